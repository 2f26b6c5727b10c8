"""A worker's part: claim a job, hear it, complete it or give it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tiro.checkpoint import Trail
from tiro.details import Lineage
from tiro.errors import Conflict, JobNotFound
from tiro.formats import FORMATS
from tiro.job import Drop, Job, JobStatus, Media, Run, TranscriptRef, new_id
from tiro.message import JobMessage
from tiro.ports import Checkpoint, Clock, JobStore, OnProgress, RunStore, Transcriber, TranscriptStore
from tiro.service.end import BESIDE_A_DROP, died, fail, problem_key
from tiro.settings import Limits
from tiro.transcript import Transcript

LOOKS_FOR_JOB = 5
"""How often a worker looks for the job of a message before it takes it for a leftover."""


@dataclass(frozen=True)
class Claim:
    """A job in the hands of one attempt. Whoever holds the lease holds the job."""

    job: Job
    run: Run


@dataclass(frozen=True)
class Declined:
    """This message is not to be worked on: hide it for some seconds and look again, or (None) delete it."""

    hide_seconds: int | None
    why: str


@dataclass(frozen=True)
class Crowded(Declined):
    """Claim it again with nothing else in hand: what a job's last attempt comes to is to be its own doing."""

    owner: str


@dataclass(frozen=True)
class LeaseTerms:
    seconds: float  # a lease lasts, from each heartbeat on
    max_attempts: int
    ready_at: datetime | None = None  # since when the worker could have taken a job


def claim(
    message: JobMessage,
    *,
    receives: int,
    jobs: JobStore,
    runs: RunStore,
    transcripts: TranscriptStore,
    clock: Clock,
    terms: LeaseTerms,
    in_company: bool = False,
) -> Claim | Declined:
    """Take the job of a message, unless it is done, held or spent. A spent one fails here.

    Who hears others beside it, `in_company`, is not given its last attempt, unless that is the first too.
    """
    try:
        job = jobs.get(message.job_id)
    except JobNotFound:
        return _not_yet(receives, "there is no such job")
    if message.generation > job.generation:
        return _not_yet(receives, "the record is older than the message")
    if job.status.terminal or message.generation < job.generation:
        return Declined(None, f"a leftover: the job is {job.status}")
    now = clock.now()
    held = runs.get(job.id)
    if held and held.lease_expires_at > now:
        # A duplicate, or the message of a worker that was cut off from SQS only. Look less and less often,
        # so that a long job does not carry its duplicate into the dead-letter queue.
        return Declined(min(900, int(terms.seconds) * receives), "another attempt holds the job")
    if job.attempts >= terms.max_attempts:
        lease = (runs, held.attempt) if held else None
        fail(job, died(job), jobs=jobs, transcripts=transcripts, clock=clock, held=lease)
        return Declined(None, "every attempt is spent")
    if in_company and 0 < job.attempts == terms.max_attempts - 1:
        return Crowded(int(terms.seconds), "its last attempt is made alone", job.owner)
    run = Run(
        attempt=new_id(now, clock.entropy()),
        lease_expires_at=now + timedelta(seconds=terms.seconds),
        done=held.done if held else 0.0,
        total=job.media.duration if job.media else None,
        checkpoint=held.checkpoint if held else job.checkpoint,
    )
    claimed = job.claimed(at=now, ready_at=terms.ready_at)
    try:
        runs.claim(job, claimed, run, now=now)
    except Conflict:
        return Declined(int(terms.seconds), "another attempt was first")
    return Claim(claimed, run)


def _not_yet(receives: int, why: str) -> Declined:
    return Declined(2 * receives if receives < LOOKS_FOR_JOB else None, why)


def transcribe(
    claim: Claim,
    *,
    transcriber: Transcriber,
    jobs: JobStore,
    runs: RunStore,
    transcripts: TranscriptStore,
    clock: Clock,
    limits: Limits,
    on_progress: OnProgress,
    checkpoint: Checkpoint | None = None,
) -> Job:
    """Hear the recording, store the transcript, complete the job.

    Raises MediaError, TransientError, NotStorable when the transcript would not read back, or LeaseLost when another
    attempt holds the job now.
    """
    job = claim.job
    assert job.media  # noqa: S101  (a job is queued with its media)
    transcript = transcriber.transcribe(
        job.media,
        job.options,
        max_seconds=limits.max_media_seconds,
        on_progress=on_progress,
        checkpoint=checkpoint,
    )
    key = f"transcripts/{job.owner}/{job.id}/{claim.run.attempt}.json"
    transcripts.put(key, transcript)  # first of all: it refuses what would not read back
    ref = TranscriptRef(
        key=key,
        language=transcript.language,
        duration=transcript.duration,
        no_speech=transcript.no_speech,
        lineage=_lineage(transcript, job.media),
    )
    completed = job.completed(at=clock.now(), transcript=ref)
    try:
        if job.drop:
            _publish(job.drop, transcript, jobs=jobs, transcripts=transcripts)
        runs.finish(job, completed, claim.run.attempt)
    except Conflict:
        _take_back(job, ref, jobs=jobs, transcripts=transcripts)
        raise
    return completed


def _lineage(transcript: Transcript, media: Media) -> Lineage:
    engine = transcript.engine
    return Lineage(
        engine=engine.name,
        engine_version=engine.version,
        model=engine.model,
        model_sha256=engine.model_sha256,
        compute_type=engine.compute_type,
        media_etag=media.etag,
        media_version=media.version,
        media_sha256=transcript.media_sha256,
    )


def _take_back(job: Job, ref: TranscriptRef, *, jobs: JobStore, transcripts: TranscriptStore) -> None:
    """Remove what an attempt wrote that does not hold the job any more: nobody would find it, or delete it."""
    transcripts.withdraw(ref.key)
    if job.drop and jobs.get(job.id).status is JobStatus.CANCELLED and jobs.newest(job.drop):
        for name in BESIDE_A_DROP:
            transcripts.withdraw(f"{job.drop.key}.{FORMATS[name].extension}")


def _publish(drop: Drop, transcript: Transcript, *, jobs: JobStore, transcripts: TranscriptStore) -> None:
    """Put the transcript where the dropper looks for it; the newest write of a key wins."""
    for name in BESIDE_A_DROP:
        form = FORMATS[name]
        transcripts.publish(
            f"{drop.key}.{form.extension}",
            form.render(transcript).encode(),
            form.content_type,
            current=lambda: jobs.newest(drop),
        )
    if jobs.newest(drop):
        transcripts.withdraw(problem_key(drop))


def give_back(claim: Claim, *, counted: bool, runs: RunStore, checkpoint: Trail = ()) -> None:
    """Let another attempt have the job. Raises LeaseLost when one already has."""
    runs.finish(claim.job, claim.job.returned(counted=counted, checkpoint=checkpoint), claim.run.attempt)
