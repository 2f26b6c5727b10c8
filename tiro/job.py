"""The job: one record per recording, from the asking to the end. Pure; every change is a new value.

awaiting_media ──> queued <──> processing ──> completed
      └──────────────┴────────────┴──> failed | cancelled
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tiro.errors import IllegalTransition, Problem
from tiro.language import to_bcp47
from tiro.request import Options

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_ID = re.compile(f"[0-7][{_CROCKFORD}]{{25}}")


class JobStatus(StrEnum):
    AWAITING_MEDIA = "awaiting_media"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return not TRANSITIONS[self]


TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.AWAITING_MEDIA: frozenset({JobStatus.QUEUED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.QUEUED: frozenset({JobStatus.PROCESSING, JobStatus.FAILED, JobStatus.CANCELLED}),
    # processing -> processing: a worker takes over what a dead one held
    JobStatus.PROCESSING: frozenset(set(JobStatus) - {JobStatus.AWAITING_MEDIA}),
    JobStatus.COMPLETED: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Media(_Model):
    """The S3 object to hear: this very version of it and no other."""

    bucket: str
    key: str
    version: str | None = None  # S3 version id, where the bucket keeps versions
    etag: str | None = None  # read with If-Match, so that a replaced object is noticed
    size: int | None = None  # bytes
    duration: float | None = None  # seconds, as its headers say; None: only decoding can tell
    content_type: str | None = None
    name: str | None = None  # what a person calls it


class Drop(_Model):
    """Which write of an inbox key a job came from.

    `sequencer` orders the writes of one key: hexadecimal, compared after padding on the right (S3 user
    guide, "Event message structure").
    """

    bucket: str
    key: str
    sequencer: str

    def newer_than(self, sequencer: str) -> bool:
        width = max(len(self.sequencer), len(sequencer))
        return self.sequencer.ljust(width, "0") > sequencer.ljust(width, "0")


class TranscriptRef(_Model):
    """Where the transcript is, and what a listing wants to know of it."""

    key: str  # in the transcript bucket
    language: str  # BCP 47
    duration: float  # seconds
    no_speech: bool


class Job(_Model):
    id: str
    owner: str
    status: JobStatus
    source: Literal["upload", "s3", "drop"]
    options: Options
    created_at: datetime
    revision: int = 1  # +1 with every stored change: the optimistic lock
    generation: int = 0  # +1 with every message sent for it; an older message is a leftover
    attempts: int = 0  # claims, less those that Spot or SIGTERM ended
    media: Media | None = None
    drop: Drop | None = None
    upload_expires_at: datetime | None = None  # while awaiting_media
    queued_at: datetime | None = None  # the first time
    started_at: datetime | None = None  # the latest claim
    finished_at: datetime | None = None
    transcript: TranscriptRef | None = None
    problem: Problem | None = None

    def queued(self, *, at: datetime, media: Media | None = None) -> Job:
        """The recording is there and a message is to be sent; or a worker gave the job back."""
        return self._to(
            JobStatus.QUEUED,
            media=media or self.media,
            queued_at=self.queued_at or at,
            upload_expires_at=None,
            generation=self.generation + (self.status is JobStatus.AWAITING_MEDIA),
        )

    def claimed(self, *, at: datetime) -> Job:
        """A worker begins, or takes over what a dead worker held."""
        return self._to(JobStatus.PROCESSING, started_at=at, attempts=self.attempts + 1)

    def returned(self, *, counted: bool) -> Job:
        """A worker gives the job back; an attempt that Spot or SIGTERM ended is not `counted`."""
        return self._to(JobStatus.QUEUED, started_at=None, attempts=self.attempts - (not counted))

    def completed(self, *, at: datetime, transcript: TranscriptRef) -> Job:
        return self._to(JobStatus.COMPLETED, finished_at=at, transcript=transcript)

    def failed(self, *, at: datetime, problem: Problem) -> Job:
        return self._to(JobStatus.FAILED, finished_at=at, problem=problem, upload_expires_at=None)

    def _to(self, status: JobStatus, **changes: object) -> Job:
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"A job that is {self.status} cannot become {status}.")
        return self.model_copy(update={"status": status, "revision": self.revision + 1, **changes})


class Run(_Model):
    """What changes often while a job is processed: who holds it, and how far it is."""

    attempt: str  # the fencing token: every write of this attempt carries it
    lease_expires_at: datetime
    done: float = 0.0  # seconds of audio transcribed
    total: float | None = None  # seconds of audio in all, where it is known


def is_id(text: str) -> bool:
    """Return whether a text may be a job's id: what is not one need not be looked for."""
    return _ID.fullmatch(text) is not None


def new_id(at: datetime, entropy: bytes) -> str:
    """Return a ULID in lower case: 48 bits of milliseconds and 80 of entropy, sorting by time.

    Source: github.com/ulid/spec. `entropy` is at least 10 random bytes.
    """
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)  # a float of them would round some down
    number = milliseconds << 80 | int.from_bytes(entropy[:10], "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


# ---------------------------------------------------------------- what a caller sees of it


class Upload(_Model):
    """One HTTP request that brings the recording: send exactly this."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: datetime


class Progress(_Model):
    done_seconds: float  # of audio transcribed
    total_seconds: float | None  # of audio in all; null where only decoding can tell


class MediaView(_Model):
    name: str | None
    size: int | None  # bytes
    duration: float | None  # seconds
    content_type: str | None


class JobView(_Model):
    """A job as the API answers it."""

    id: str
    status: JobStatus
    source: Literal["upload", "s3", "drop"]
    language: str | None  # asked for, or, once completed, heard (BCP 47)
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    media: MediaView | None
    progress: Progress | None
    no_speech: bool | None  # once completed
    transcript_url: str | None  # a path; once completed
    problem: Problem | None  # once failed
    upload: Upload | None = None  # in the answer to the POST that asked for one


def view(job: Job, run: Run | None = None, upload: Upload | None = None) -> JobView:
    """Return what its owner may see of a job."""
    media = job.media and MediaView(**job.media.model_dump(include=set(MediaView.model_fields)))
    return JobView(
        **job.model_dump(include=set(JobView.model_fields) - {"media", "problem"}),
        language=to_bcp47(job.transcript.language if job.transcript else job.options.language),
        media=media,
        progress=_progress(job, run),
        no_speech=job.transcript.no_speech if job.transcript else None,
        transcript_url=f"/v1/transcriptions/{job.id}/transcript" if job.transcript else None,
        problem=job.problem,
        upload=upload,
    )


def _progress(job: Job, run: Run | None) -> Progress | None:
    if job.transcript:
        return Progress(done_seconds=job.transcript.duration, total_seconds=job.transcript.duration)
    if job.status is not JobStatus.PROCESSING:
        return None
    total = job.media.duration if job.media else None
    return Progress(done_seconds=run.done if run else 0.0, total_seconds=(run.total if run else None) or total)
