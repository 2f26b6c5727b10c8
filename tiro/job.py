"""The job: one record per recording, from the asking to the end. Pure; every change is a new value.

awaiting_media ──> queued <──> processing ──> completed
      └──────────────┴────────────┴──> failed | cancelled
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from tiro.checkpoint import Trail
from tiro.details import OWN_SPEED, Circumstances, Lineage, Partial, Timings, cost_usd, eta_seconds, timings
from tiro.elapsed import skew
from tiro.errors import IllegalTransition, Problem
from tiro.handling import Handling, Priority
from tiro.language import to_bcp47
from tiro.pace import WAIT_BASIS
from tiro.request import Options
from tiro.stored import StoredModel as _Model
from tiro.trace import trace_of
from tiro.upload import Parts, Upload
from tiro.webhook import JobWebhook

TOMBSTONE = timedelta(days=30)
"""How long a deleted job is still known to be gone; afterwards it was never there."""

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
    lineage: Lineage | None = None


class Job(_Model):
    id: str
    owner: str
    status: JobStatus
    source: Literal["upload", "url", "s3", "drop"]
    options: Options
    handling: Handling = Handling()
    metadata: dict[str, str] = Field(default={})  # the caller's own, echoed
    webhook: JobWebhook | None = None  # where alone it is told what becomes of it; never shown, for its secret
    created_at: datetime
    revision: int = 1  # +1 with every stored change: the optimistic lock
    generation: int = 0  # +1 with every message sent for it; an older message is a leftover
    attempts: int = 0  # claims, less those that Spot or SIGTERM ended
    batch: str | None = None  # of the batch that it was asked for in
    trace: str | None = None  # of the call that asked for it, where that had one
    media: Media | None = None
    url: str | None = None  # of a `url` source; never shown, since a signed one lets anybody in
    parts: Parts | None = None  # of an `upload` that comes in parts
    drop: Drop | None = None
    upload_expires_at: datetime | None = None  # while awaiting_media
    queued_at: datetime | None = None  # the first time
    sent_at: datetime | None = None  # of the message that is out for it
    started_at: datetime | None = None  # the latest claim
    worker_ready_at: datetime | None = None  # of the worker that made it: when it could first have done so
    finished_at: datetime | None = None
    heard: float = 0.0  # seconds of audio, by the worker that held it when it failed or was cancelled
    checkpoint: Trail = ()  # what is heard already, where the one who heard it gave the job back
    transcript: TranscriptRef | None = None
    problem: Problem | None = None
    retry_of: str | None = None  # the job that this one tries again
    media_deleted_at: datetime | None = None  # its recording was removed, as its owner wanted, once it was heard
    deleted_at: datetime | None = None  # from then on it is a tombstone: nothing but its id, owner, status and times

    @property
    def trace_id(self) -> str:
        """What ties together all that is said of it (tiro/trace.py)."""
        return self.trace or trace_of(self.id, self.created_at)

    @property
    def upload_key(self) -> str:
        """Where in the bucket its recording is sent, or fetched to."""
        return f"uploads/{self.owner}/{self.id}"

    @property
    def timings(self) -> Timings:
        return timings(self.queued_at, self.started_at, self.finished_at, self.worker_ready_at)

    @property
    def clock_skew(self) -> timedelta:
        """By how much its latest claim seems to lie before its queueing, which it cannot."""
        return skew(self.queued_at, self.started_at) if self.queued_at and self.started_at else timedelta()

    @property
    def expires_at(self) -> datetime | None:
        """When it is to be deleted."""
        kept = self.handling.retention
        return self.finished_at + kept if kept and self.finished_at and not self.deleted_at else None

    @property
    def tidy_at(self) -> datetime | None:
        """When something of it is to be removed."""
        heard = self.status is JobStatus.COMPLETED and not self.deleted_at
        if self.handling.delete_media and heard and self.media_deleted_at is None:
            return self.finished_at
        return self.expires_at

    def queued(self, *, at: datetime, media: Media | None = None) -> Job:
        """The recording is there and a message is to be sent; or a worker gave the job back."""
        return self._to(
            JobStatus.QUEUED,
            media=media or self.media,
            queued_at=self.queued_at or at,
            sent_at=at,
            upload_expires_at=None,
            generation=self.generation + (self.status is JobStatus.AWAITING_MEDIA),
        )

    def described(self, *, name: str | None, content_type: str | None) -> Job:
        """The server that a recording is fetched from says what it is."""
        media = self.media and self.media.model_copy(update={"name": name, "content_type": content_type})
        return self.model_copy(update={"media": media, "revision": self.revision + 1})

    def claimed(self, *, at: datetime, ready_at: datetime | None = None) -> Job:
        """A worker, which was ready at `ready_at`, begins, or takes over what a dead worker held."""
        return self._to(JobStatus.PROCESSING, started_at=at, worker_ready_at=ready_at, attempts=self.attempts + 1)

    def returned(self, *, counted: bool, checkpoint: Trail = ()) -> Job:
        """A worker gives the job back; an attempt that Spot or SIGTERM ended is not `counted`."""
        return self._to(
            JobStatus.QUEUED,
            started_at=None,
            attempts=self.attempts - (not counted),
            checkpoint=checkpoint,
        )

    def resent(self, *, at: datetime, checkpoint: Trail = ()) -> Job:
        """A new message is out for it: its old one is lost, or the worker that held it and left a `checkpoint`."""
        if self.status not in (JobStatus.QUEUED, JobStatus.PROCESSING):
            raise IllegalTransition(f"A job that is {self.status} waits for no message.")
        return self.model_copy(
            update={
                "status": JobStatus.QUEUED,
                "revision": self.revision + 1,
                "generation": self.generation + 1,
                "sent_at": at,
                "started_at": None,
                "checkpoint": checkpoint or self.checkpoint,
            }
        )

    def completed(self, *, at: datetime, transcript: TranscriptRef) -> Job:
        return self._to(JobStatus.COMPLETED, finished_at=at, transcript=transcript, checkpoint=())

    def failed(self, *, at: datetime, problem: Problem, heard: float = 0.0) -> Job:
        return self._to(
            JobStatus.FAILED, finished_at=at, problem=problem, heard=heard, upload_expires_at=None, checkpoint=()
        )

    def cancelled(self, *, at: datetime, heard: float = 0.0) -> Job:
        return self._to(JobStatus.CANCELLED, finished_at=at, heard=heard, upload_expires_at=None, checkpoint=())

    def without_media(self, *, at: datetime) -> Job:
        return self.model_copy(update={"media_deleted_at": at, "revision": self.revision + 1})

    def deleted(self, *, at: datetime) -> Job:
        """Return the tombstone: what the job was asked with, heard and said is forgotten."""
        if not self.status.terminal:
            raise IllegalTransition(f"A job that is {self.status} must be cancelled before it is deleted.")
        kept = ("id", "owner", "status", "source", "created_at", "finished_at", "generation", "attempts")
        return Job(
            **{name: getattr(self, name) for name in kept},
            options=Options(),
            revision=self.revision + 1,
            deleted_at=at,
        )

    def _to(self, status: JobStatus, **changes: object) -> Job:
        if status not in TRANSITIONS[self.status]:
            raise IllegalTransition(f"A job that is {self.status} cannot become {status}.")
        return self.model_copy(update={"status": status, "revision": self.revision + 1, **changes})


class Run(_Model):
    """What changes often while a job is processed: who holds it, and how far it is."""

    attempt: str  # the fencing token: every write of this attempt carries it
    lease_expires_at: datetime
    noted_at: datetime | None = None  # when `done` was
    done: float = 0.0  # seconds of audio transcribed
    total: float | None = None  # seconds of audio in all, where it is known
    checkpoint: Trail = ()  # what is heard for good, by this attempt and those before it


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


class Progress(_Model):
    done_seconds: float  # of audio transcribed
    total_seconds: float | None  # of audio in all; null where only decoding can tell
    eta_seconds: float | None = None  # until all is heard; null where nobody can tell yet
    eta_basis: str | None = None  # what that guess stands on


class MediaView(_Model):
    name: str | None
    size: int | None  # bytes
    duration: float | None  # seconds
    content_type: str | None


class MediaLink(_Model):
    """Where a recording can be played from, by whoever has the address."""

    url: str
    content_type: str  # it is served as this, whatever it was sent as
    expires_at: datetime


class JobView(_Model):
    """A job as the API answers it."""

    id: str
    status: JobStatus
    source: Literal["upload", "url", "s3", "drop"]
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
    partial: Partial | None = None  # what is heard so far, until the transcript is there
    retry_of: str | None = None  # the job that this one tries again
    priority: Priority = Priority.INTERACTIVE
    expires_at: datetime | None = None  # when it is deleted, where its retention was asked for; once at its end
    media_deleted_at: datetime | None = None  # when its recording was removed, as `delete_media` asked
    metadata: dict[str, str] = Field(default={})  # the caller's own
    timings: Timings | None = None
    own_jobs_ahead: int | None = None  # while queued: so many of yours, at most, come before it
    estimated_wait_seconds: float | None = None  # while queued; null where nobody can tell
    estimated_wait_basis: str | None = None  # what that guess stands on
    lineage: Lineage | None = None  # once completed
    cost_usd: float | None = None  # of the latest attempt's machine, once at its end, where its price is known
    upload: Upload | None = None  # in the answer to the POST that asked for one


def view(
    job: Job, run: Run | None = None, upload: Upload | None = None, around: Circumstances | None = None
) -> JobView:
    """Return what its owner may see of a job."""
    media = job.media and MediaView(**job.media.model_dump(include=set(MediaView.model_fields)))
    in_flight = around.jobs_in_flight if around and job.status is JobStatus.QUEUED else None
    wait = around.wait_seconds if around and job.status is JobStatus.QUEUED else None
    return JobView(
        **job.model_dump(include=set(JobView.model_fields) - {"media", "problem", "upload"}),
        priority=job.handling.priority,
        expires_at=job.expires_at,
        language=to_bcp47(job.transcript.language if job.transcript else job.options.language),
        media=media,
        progress=_progress(job, run, around),
        timings=job.timings,
        own_jobs_ahead=None if in_flight is None else max(0, in_flight - 1),
        estimated_wait_seconds=wait,
        estimated_wait_basis=None if wait is None else WAIT_BASIS,
        lineage=job.transcript.lineage if job.transcript else None,
        cost_usd=cost_usd(job.timings.processing_ms, around.usd_per_worker_hour) if around else None,
        no_speech=job.transcript.no_speech if job.transcript else None,
        transcript_url=f"/v1/transcriptions/{job.id}/transcript" if job.transcript else None,
        problem=job.problem,
        upload=upload,
    )


def _progress(job: Job, run: Run | None, around: Circumstances | None) -> Progress | None:
    if job.transcript:
        return Progress(done_seconds=job.transcript.duration, total_seconds=job.transcript.duration)
    if job.status is not JobStatus.PROCESSING or run is None:
        return None
    done, total = run.done, run.total or (job.media.duration if job.media else None)
    eta = None
    if around:
        eta = eta_seconds(done=done, total=total, noted_at=run.noted_at, started_at=job.started_at, now=around.now)
    return Progress(
        done_seconds=done, total_seconds=total, eta_seconds=eta, eta_basis=None if eta is None else OWN_SPEED
    )
