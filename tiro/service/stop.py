"""An owner has enough: a job is cancelled, or goes for good; or wants one tried again."""

from __future__ import annotations

from tiro.errors import Conflict, JobFinished, MediaNotFound, NotRetryable, ServiceUnavailable
from tiro.formats import FORMATS
from tiro.job import Job, JobStatus, Media, new_id
from tiro.message import JobMessage
from tiro.ports import (
    Clock,
    DeliveryStore,
    FetchQueue,
    JobQueue,
    JobStore,
    MediaStore,
    PartStore,
    RunStore,
    TranscriptStore,
)
from tiro.request import S3Object
from tiro.service.end import BESIDE_A_DROP, abandon_parts, problem_key
from tiro.service.submit import await_fetch
from tiro.settings import ApiSettings

TRIES = 8
"""A job that changes under our hands is looked at again: it goes on a few times at most before it is at its end."""


def cancel(job: Job, *, jobs: JobStore, runs: RunStore, parts: PartStore, clock: Clock) -> Job:
    """End a job that is not at its end; one that was cancelled before is no error.

    A worker loses its lease with it, and notices at its next heartbeat; the message is then a leftover.
    Raises JobFinished when the job is completed or failed.
    """
    for _ in range(TRIES):
        if job.status is JobStatus.CANCELLED:
            abandon_parts(job, parts=parts)
            return job
        if job.status.terminal:
            raise JobFinished(f"The job is {job.status}, and stays so.")
        held = runs.get(job.id) if job.status is JobStatus.PROCESSING else None
        cancelled = job.cancelled(at=clock.now(), heard=held.done if held else 0.0)
        try:
            if held:
                runs.finish(job, cancelled, held.attempt)
            else:
                jobs.save(job, cancelled)
            job = cancelled
        except Conflict:
            job = jobs.get(job.id)
    raise ServiceUnavailable("The job changes too fast to be cancelled. Try again in a moment.")


def delete(
    job: Job,
    *,
    jobs: JobStore,
    runs: RunStore,
    media: MediaStore,
    transcripts: TranscriptStore,
    parts: PartStore,
    deliveries: DeliveryStore,
    clock: Clock,
) -> None:
    """Remove a job, the recording that came in by it, every transcript, and what is on its way to webhooks.

    A tombstone stays for a while. Who was not told yet of what deleting a running job does, is still told.

    A recording that Tiro did not write, dropped or named by its owner, is its owner's and stays. What was removed
    before is no error. The record goes last, so that whoever finds it can do the rest once more.
    """
    for _ in range(TRIES):
        if job.deleted_at:
            return
        try:
            if not job.status.terminal:
                job = cancel(job, jobs=jobs, runs=runs, parts=parts, clock=clock)
            erase_media(job, media=media)
            _erase(job, jobs=jobs, transcripts=transcripts)
            deliveries.forget(job.id)
            jobs.save(job, job.deleted(at=clock.now()))
            deliveries.forget(job.id)  # what the stream brought meanwhile; who tells what it brings now removes it
            return
        except Conflict:
            job = jobs.get(job.id)
        except JobFinished:
            job = jobs.get(job.id)
    raise ServiceUnavailable("The job changes too fast to be deleted. Try again in a moment.")


def erase_media(job: Job, *, media: MediaStore) -> None:
    """Remove the recording that came in by a job, if one did."""
    if job.media and job.source in ("upload", "url") and job.media.key.startswith(f"uploads/{job.owner}/"):
        media.erase(S3Object(bucket=job.media.bucket, key=job.media.key))


def _erase(job: Job, *, jobs: JobStore, transcripts: TranscriptStore) -> None:
    for prefix in ("transcripts", "renderings", "checkpoints"):
        transcripts.erase(f"{prefix}/{job.owner}/{job.id}/")
    if job.drop and jobs.newest(job.drop):
        for name in BESIDE_A_DROP:
            transcripts.withdraw(f"{job.drop.key}.{FORMATS[name].extension}")
        transcripts.withdraw(problem_key(job.drop))


def retry(
    job: Job,
    *,
    jobs: JobStore,
    media: MediaStore,
    queue: JobQueue,
    fetches: FetchQueue,
    clock: Clock,
    settings: ApiSettings,
    job_id: str | None = None,
) -> Job:
    """Make a new job of the same recording, with the same options. What ended stays as it ended.

    Raises NotRetryable unless it failed or was cancelled, MediaNotFound when the recording is gone or never came;
    a `url` is then fetched anew.
    """
    if job.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise NotRetryable(f"The job is {job.status}. Only what failed or was cancelled is tried again.")
    now = clock.now()
    new = Job(
        id=job_id or new_id(now, clock.entropy()),
        owner=job.owner,
        status=JobStatus.AWAITING_MEDIA,
        source=job.source,
        options=job.options,
        handling=job.handling,
        metadata=job.metadata,
        webhook=job.webhook,
        created_at=now,
        drop=job.drop,
        url=job.url,
        retry_of=job.id,
    )
    try:
        found = _find_again(job, media)
    except MediaNotFound:
        if job.url is None:
            raise
        return await_fetch(new, job.url, jobs=jobs, fetches=fetches, settings=settings)
    queued = new.queued(at=now, media=found)
    queue.send(JobMessage.of(queued), owner=queued.owner, priority=queued.handling.priority)
    return jobs.create(queued)


def _find_again(job: Job, media: MediaStore) -> Media:
    """Return the recording as the job knew it, or as it came after all. Raises MediaNotFound."""
    if job.media is None:
        raise MediaNotFound("No recording ever came. Submit again.")
    where = S3Object(bucket=job.media.bucket, key=job.media.key)
    there = media.head(where).media  # first without a version: what was deleted may not be read, though it lies there
    if job.media.etag is None:
        return there.model_copy(update={"name": job.media.name or there.name})
    if there.etag != job.media.etag:
        media.head(where, job.media.version)
    return job.media
