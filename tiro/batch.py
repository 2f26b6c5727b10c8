"""Many recordings asked for at once: a batch has an id, and its jobs are like any others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tiro.errors import Problem
from tiro.job import JobStatus
from tiro.request import Options, Source
from tiro.upload import Upload
from tiro.webhook import JobWebhook

MOST_SOURCES = 1000
"""In one batch: what a call can make jobs of, in the time that it may take (docs/api/sources.md)."""


class BatchRequest(Options):
    """The body of `POST /v1/batches`: the options are every job's."""

    sources: tuple[Source, ...] = Field(min_length=1, max_length=MOST_SOURCES)
    webhook: JobWebhook | None = None  # where alone it is told what becomes of each; else your endpoints hear

    @property
    def options(self) -> Options:
        return Options.model_validate(self.model_dump(include=set(Options.model_fields)))


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Batch(_Model):
    id: str
    owner: str
    created_at: datetime
    sources: int  # how many were asked for


class BatchItem(_Model):
    """What became of one source: a job, or a problem."""

    index: int  # of the source, from 0
    job_id: str | None = None
    upload: Upload | None = None  # how to send it; a large one's part addresses come from POST …/upload/parts
    problem: Problem | None = None


class BatchMade(_Model):
    """The answer to `POST /v1/batches`: a result for each source, in their order."""

    id: str
    created_at: datetime
    accepted: int
    refused: int
    results: tuple[BatchItem, ...]


class BatchView(_Model):
    """How far a batch is, as the API answers it. `refused` sources never became jobs."""

    id: str
    created_at: datetime
    sources: int
    refused: int
    counts: dict[JobStatus, int]  # of jobs, by their status; every status is there
    done: bool  # every job is at its end


def view_batch(batch: Batch, counts: Mapping[JobStatus, int]) -> BatchView:
    every: dict[Any, int] = {status: counts.get(status, 0) for status in JobStatus}
    jobs = sum(every.values())
    return BatchView(
        id=batch.id,
        created_at=batch.created_at,
        sources=batch.sources,
        refused=batch.sources - jobs,
        counts=every,
        done=all(status.terminal for status, count in every.items() if count),
    )
