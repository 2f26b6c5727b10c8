"""The recording is there: its job is queued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tiro.errors import Conflict, InvalidRequest, JobNotFound, PermanentError
from tiro.job import Drop, Job, JobStatus, Media, new_id
from tiro.message import JobMessage
from tiro.ports import Clock, JobQueue, JobStore, MediaReader, MediaStore, TranscriptStore
from tiro.request import S3Object, parse_handling, parse_options
from tiro.service.end import fail, too_long
from tiro.service.limits import check_duration, check_model, check_size
from tiro.service.read import find_even_gone
from tiro.service.stray import UPLOADS, stray
from tiro.settings import HearingLimits

DROP_SECONDS = 3600
"""How long a dropped object's event may be retried before its job is given up."""


@dataclass(frozen=True)
class ObjectCreated:
    """S3 says that an object was written. May come twice, late, or in the wrong order."""

    source: S3Object
    version: str | None
    sequencer: str  # orders the writes of one key


def arrived(
    event: ObjectCreated,
    *,
    jobs: JobStore,
    media: MediaStore,
    reader: MediaReader,
    queue: JobQueue,
    transcripts: TranscriptStore,
    clock: Clock,
    limits: HearingLimits,
) -> Job | None:
    """Enqueue the job that waits for this object, or the one that a dropped file makes.

    Return None for an object that is no recording: a folder, a key that names no owner (tiro/service/stray.py reports
    it), a job unknown or no longer waiting. What is wrong with the recording fails its job; only what
    may pass is raised.
    """
    key = event.source.key
    if key.endswith("/") or stray(key):
        return None
    door, owner, rest = key.split("/", 2)
    if door == UPLOADS:
        job = _waiting_job(rest, owner, jobs)
        if job and job.deleted_at:
            media.erase(event.source)  # it was on its way when its job was deleted, and nobody asks for it any more
    else:
        job = _dropped_job(event, owner, jobs=jobs, clock=clock)
    if job is None or job.status is not JobStatus.AWAITING_MEDIA:
        return None
    try:
        return _enqueue(job, event, jobs=jobs, media=media, reader=reader, queue=queue, clock=clock, limits=limits)
    except Conflict:
        return None  # the same event, handled at the same time elsewhere
    except PermanentError as error:
        return fail(job, error, jobs=jobs, transcripts=transcripts, clock=clock)


def _waiting_job(job_id: str, owner: str, jobs: JobStore) -> Job | None:
    try:
        return find_even_gone(job_id, owner=owner, jobs=jobs)
    except JobNotFound:
        return None


def _dropped_job(event: ObjectCreated, owner: str, *, jobs: JobStore, clock: Clock) -> Job:
    """The same write of a key always gives the same job."""
    now = clock.now()
    return jobs.create(
        Job(
            id=new_id(now, clock.entropy()),
            owner=owner,
            status=JobStatus.AWAITING_MEDIA,
            source="drop",
            options=parse_options({}),
            created_at=now,
            media=Media(bucket=event.source.bucket, key=event.source.key, version=event.version),
            drop=Drop(bucket=event.source.bucket, key=event.source.key, sequencer=event.sequencer),
            upload_expires_at=now + timedelta(seconds=DROP_SECONDS),
        )
    )


def _enqueue(
    job: Job,
    event: ObjectCreated,
    *,
    jobs: JobStore,
    media: MediaStore,
    reader: MediaReader,
    queue: JobQueue,
    clock: Clock,
    limits: HearingLimits,
) -> Job:
    info = media.head(event.source, event.version)
    check_size(info.media, limits)
    if job.drop:
        if too_long(job.drop):
            raise InvalidRequest(
                "The object's key leaves no room for the transcript's beside it. Shorten it by 13 bytes."
            )
        said = dict(info.metadata)
        check_model((options := parse_options(said)).model, limits.models)
        job = job.model_copy(update={"options": options, "handling": parse_handling(said)})
    name = job.media and job.media.name  # what the caller of an upload said it is called
    found = info.media.model_copy(update={"duration": reader.duration(info.media), "name": name or info.media.name})
    check_duration(found.duration, limits.max_media_seconds)
    queued = job.queued(at=clock.now(), media=found)
    queue.send(JobMessage.of(queued), owner=job.owner, priority=queued.handling.priority)
    jobs.save(job, queued)
    return queued
