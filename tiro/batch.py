"""Many recordings asked for at once: a batch has an id, and its jobs are like any others."""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from tiro.errors import FieldProblem, InvalidRequest, Problem
from tiro.handling import Handling, Priority
from tiro.job import JobStatus, new_id
from tiro.request import Metadata, Options, S3Object, Source, s3_object
from tiro.stored import StoredModel as _Model
from tiro.upload import Upload
from tiro.webhook import JobWebhook

MOST_SOURCES = 1000
"""In one batch: what a call can make jobs of, in the time that it may take (docs/api/sources.md)."""


class BatchRequest(Options, Handling):
    """The body of `POST /v1/batches`: the options are every job's."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["sources"]}, {"required": ["prefix"]}]})

    sources: tuple[Source, ...] | None = Field(default=None, min_length=1, max_length=MOST_SOURCES)
    # Or every recording whose name begins so, s3://bucket/prefix: a thousand of them a call.
    prefix: Annotated[S3Object, BeforeValidator(s3_object, json_schema_input_type=str)] | None = None
    cursor: str | None = Field(default=None, max_length=4096)  # beside `prefix`: `next_cursor` of the call before
    priority: Priority = Priority.BATCH  # of every job; interactive: heard before others' batches
    metadata: Metadata = Field(default={}, max_length=16)  # the caller's own, echoed in every job
    webhook: JobWebhook | None = None  # where alone it is told what becomes of each; else your endpoints hear

    @property
    def options(self) -> Options:
        return Options.model_validate(self.model_dump(include=set(Options.model_fields)))

    @property
    def handling(self) -> Handling:
        return Handling.model_validate(self.model_dump(include=set(Handling.model_fields)))

    @model_validator(mode="after")
    def _sources_or_prefix(self) -> Self:
        if (self.sources is None) == (self.prefix is None):
            raise ValueError('send "sources" or "prefix", and not both')
        if self.cursor is not None and self.prefix is None:
            raise ValueError('"cursor" goes on with a "prefix", and there is none')
        return self


class Batch(_Model):
    id: str
    owner: str
    created_at: datetime
    sources: int  # how many were asked for; of a prefix, how many were found so far
    prefix: str | None = None  # whose recordings it is, as s3://bucket/prefix
    pages: int = 1  # calls that it took so far
    open: bool = False  # the prefix has more, which nobody has asked for yet

    def job_id(self, name: str, *, at: datetime) -> str:
        """Return the id of the job of a source: the same for the same, however often it is made."""
        return new_id(at, hashlib.sha256(f"{self.id}\0{name}".encode()).digest())


@dataclass(frozen=True)
class Page:
    """Where the listing of a prefix goes on. It grants nothing: whose batch it is, the caller's key says."""

    batch: str
    number: int  # of the page, from 1
    after: str | None  # the last key of the page before
    at: datetime  # when the jobs of this page begin to be made: their ids say so
    seen: int  # recordings on the pages before

    def as_cursor(self) -> str:
        text = json.dumps([self.batch, self.number, self.after, self.at.isoformat(), self.seen])
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Raises InvalidRequest."""
        try:
            batch, number, after, at, seen = from_json(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            read = _Page(batch=batch, number=number, after=after, at=at, seen=seen)
        except (ValueError, TypeError, binascii.Error, RecursionError, ValidationError):
            raise not_ours() from None
        return cls(read.batch, read.number, read.after, read.at, read.seen)


class _Page(BaseModel):
    batch: str = Field(max_length=100)
    number: int = Field(ge=2, lt=10**9)
    after: str = Field(max_length=1024)
    at: AwareDatetime
    seen: int = Field(ge=0, lt=10**12)


def not_ours() -> InvalidRequest:
    detail = "this is no cursor of Tiro's for this prefix"
    return InvalidRequest(f"/cursor: {detail}", errors=(FieldProblem(pointer="/cursor", detail=detail),))


class BatchItem(_Model):
    """What became of one source: a job, or a problem."""

    index: int  # of the source, from 0
    source: str | None = None  # of a prefix: which object, s3://bucket/key
    job_id: str | None = None
    upload: Upload | None = None  # how to send it; a large one's part addresses come from POST …/upload/parts
    problem: Problem | None = None


class BatchMade(_Model):
    """The answer to `POST /v1/batches`: a result for each source, in their order, or for each object found."""

    id: str
    created_at: datetime
    accepted: int
    refused: int
    results: tuple[BatchItem, ...]
    next_cursor: str | None = None  # of a prefix that has more: send it with the same body to go on


class BatchView(_Model):
    """How far a batch is, as the API answers it. `refused` sources never became jobs."""

    id: str
    created_at: datetime
    sources: int
    refused: int
    counts: dict[JobStatus, int]  # of jobs, by their status; every status is there
    done: bool  # every job is at its end, and a prefix has no more


def view_batch(batch: Batch, counts: Mapping[JobStatus, int]) -> BatchView:
    every: dict[Any, int] = {status: counts.get(status, 0) for status in JobStatus}
    jobs = sum(every.values())
    return BatchView(
        id=batch.id,
        created_at=batch.created_at,
        sources=batch.sources,
        refused=batch.sources - jobs,
        counts=every,
        done=not batch.open and all(status.terminal for status, count in every.items() if count),
    )
