"""How a job may fail, and who is told."""

from __future__ import annotations

from urllib.parse import quote

from tiro.errors import (
    PROBLEM_MEDIA_TYPE,
    AttemptsExhausted,
    Conflict,
    FetchFailed,
    JobHeld,
    JobNotFound,
    Problem,
    TiroError,
    TransientError,
    UploadExpired,
)
from tiro.job import Drop, Job, JobStatus
from tiro.message import JobMessage
from tiro.ports import Clock, JobStore, PartStore, RunStore, TranscriptStore

BESIDE_A_DROP = ("json", "txt", "srt", "vtt")
"""The forms in which a dropper finds a transcript beside where the recording was dropped."""

MAX_KEY_BYTES = 1024
"""Of an object's key in UTF-8 (S3 user guide, "Naming Amazon S3 objects")."""


UPLOAD_TOO_LATE = UploadExpired("No recording came in time. Submit again, and send it to the new address.")
DROP_TOO_LATE = UploadExpired("The object is there, but it could not be queued for an hour. Write it again.")
FETCH_TOO_LONG = FetchFailed("The recording was not fetched in time: its server was too slow, or failed too often.")


def fail(
    job: Job,
    error: TiroError,
    *,
    jobs: JobStore,
    transcripts: TranscriptStore,
    clock: Clock,
    held: tuple[RunStore, str] | None = None,
) -> Job:
    """End a job with its reason; a dropper finds the reason beside where the transcript would be.

    A worker passes the attempt that it holds the job by. Raises LeaseLost or Conflict when somebody else was first.
    """
    problem = error.problem(instance=f"/v1/transcriptions/{quote(job.id)}")
    run = held[0].get(job.id) if held else None
    failed = job.failed(at=clock.now(), problem=problem, heard=run.done if run else 0.0)
    if job.drop and not too_long(job.drop):
        # First: were it written after the record, a crash in between would leave the dropper without a word.
        _publish_problem(job.drop, problem, jobs=jobs, transcripts=transcripts)
    try:
        if held:
            runs, attempt = held
            runs.finish(job, failed, attempt)
        else:
            jobs.save(job, failed)
    except Conflict:
        if job.drop and jobs.get(job.id).status is JobStatus.COMPLETED:
            transcripts.withdraw(problem_key(job.drop))
        raise
    return failed


def _publish_problem(drop: Drop, problem: Problem, *, jobs: JobStore, transcripts: TranscriptStore) -> None:
    body = problem.model_dump_json(indent=2).encode()
    transcripts.publish(problem_key(drop), body, PROBLEM_MEDIA_TYPE, current=lambda: jobs.newest(drop))


def problem_key(drop: Drop) -> str:
    return f"{drop.key}.problem.json"


def too_long(drop: Drop) -> bool:
    """Return whether a drop's key leaves no room for the names that go beside it."""
    return len(problem_key(drop).encode()) > MAX_KEY_BYTES


def bury(
    message: JobMessage, *, jobs: JobStore, runs: RunStore, transcripts: TranscriptStore, clock: Clock
) -> Job | None:
    """Fail the job of a message that ended in the dead-letter queue, unless it has ended already.

    Raises JobHeld while an attempt holds it: this may be the last message there is, so it must be asked again
    whether that attempt came to an end.
    """
    try:
        job = jobs.get(message.job_id)
    except JobNotFound:
        return None
    held = runs.get(job.id)
    if job.status.terminal or message.generation < job.generation:
        return None
    if held and held.lease_expires_at > clock.now():
        raise JobHeld("An attempt is at work on this job. Ask again when its lease has run out.")
    error = exhausted(job, "It was handed to workers again and again, and none finished it.")
    # With the lease of whoever let it run out: it would otherwise be renewed for a job that is at its end.
    lease = (runs, held.attempt) if held else None
    return fail(job, error, jobs=jobs, transcripts=transcripts, clock=clock, held=lease)


def abandon_parts(job: Job, *, parts: PartStore) -> None:
    """Throw away what was sent of a recording that nobody waits for any more."""
    if job.parts and job.media:
        parts.abandon(job.media.key, job.parts.upload_id)


def expire(
    *, jobs: JobStore, parts: PartStore, transcripts: TranscriptStore, clock: Clock, limit: int = 100
) -> list[Job]:
    """Fail what waited too long for its recording; at most `limit` jobs a call.

    Raises TransientError for the last job that could not be failed, when all others have been.
    """
    failed, trouble = [], None
    for job in jobs.overdue(clock.now(), limit):
        try:
            failed.append(fail(job, _too_late(job), jobs=jobs, transcripts=transcripts, clock=clock))
            abandon_parts(job, parts=parts)
        except Conflict:
            continue  # it came just now
        except TransientError as one:
            trouble = one
    if trouble:
        raise trouble
    return failed


def died(job: Job) -> AttemptsExhausted:
    """Say of a job whose attempts are spent why nobody said more."""
    return exhausted(job, f"{job.attempts} attempts ended without a word: the worker died each time.")


def exhausted(job: Job, why: str) -> AttemptsExhausted:
    """Say why nobody tries any more, and how to have it tried again all the same."""
    again = f"Have it tried again by POST /v1/transcriptions/{job.id}/retry, or `tiro retry {job.id}`."
    return AttemptsExhausted(f"{why} {again}")


def _too_late(job: Job) -> TiroError:
    if job.source == "url":
        return FETCH_TOO_LONG
    return DROP_TOO_LATE if job.drop else UPLOAD_TOO_LATE
