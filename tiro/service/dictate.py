"""A recording comes inside a call, and its caller waits: OpenAI's way of asking."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiro.errors import Conflict, JobNotFound, MediaError, StillProcessing
from tiro.job import Job, JobStatus, new_id
from tiro.message import JobMessage
from tiro.ports import AskedStore, Clock, JobQueue, JobStore, MediaReader, MediaStore
from tiro.request import Options, S3Object
from tiro.service.limits import check_duration, check_size
from tiro.settings import Limits
from tiro.webhook import JobWebhook

SAME_CALL = timedelta(minutes=10)
"""How long the same recording with the same options is taken for the same call. Who calls again after an error, as
OpenAI's SDK does by itself, says nowhere that it is a repetition."""

FIRST_LOOK = 0.2
LONGEST_PAUSE = 1.0
"""Seconds between two looks at a job that is waited for."""


@dataclass(frozen=True)
class Dictation:
    owner: str
    body: bytes
    options: Options
    filename: str | None = None
    content_type: str | None = None
    webhook: JobWebhook | None = None  # where alone it is told what becomes of it
    trace: str | None = None  # of the call

    @property
    def fingerprint(self) -> str:
        """Name this owner's call by what is in it."""
        asked = self.options.model_dump_json() + (self.webhook.model_dump_json() if self.webhook else "")
        parts = (self.owner.encode(), hashlib.sha256(self.body).digest(), asked.encode())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def dictate(
    dictation: Dictation,
    *,
    asked: AskedStore,
    jobs: JobStore,
    media: MediaStore,
    reader: MediaReader,
    queue: JobQueue,
    clock: Clock,
    limits: Limits,
) -> Job:
    """Return the job of a recording: the one that the same call made a short while ago, else a new one.

    The job's id is noted before there is a job. Whoever finds the note and no job makes it under that id, so that
    neither two calls at once nor one that died half-way can make two. A job that ended without a transcript
    answers nobody. Raises MediaEmpty, MediaTooLarge or MediaTooLong, and then there is no job, and nothing of it
    is kept.
    """
    now = clock.now()
    new = new_id(now, clock.entropy())

    def make(job_id: str) -> Job:
        return _make(
            dictation, job_id, jobs=jobs, media=media, reader=reader, queue=queue, now=clock.now(), limits=limits
        )

    job_id = asked.note(dictation.fingerprint, new, now=now, until=now + SAME_CALL)
    try:
        job = jobs.get(job_id)
    except JobNotFound:
        return make(job_id)
    if not job.status.terminal or job.transcript:
        return job
    job_id = asked.note(dictation.fingerprint, new, now=now, until=now + SAME_CALL, instead_of=job.id)
    return make(job_id)


def _make(
    dictation: Dictation,
    job_id: str,
    *,
    jobs: JobStore,
    media: MediaStore,
    reader: MediaReader,
    queue: JobQueue,
    now: datetime,
    limits: Limits,
) -> Job:
    key = f"uploads/{dictation.owner}/{job_id}"
    kept = media.keep(key, dictation.body, content_type=dictation.content_type)
    try:
        check_size(kept, limits)
        found = kept.model_copy(update={"duration": reader.duration(kept), "name": dictation.filename})
        check_duration(found.duration, limits.max_media_seconds)
    except MediaError:
        media.erase(S3Object(bucket=kept.bucket, key=kept.key))  # there will be no job by which it could be deleted
        raise
    job = Job(
        id=job_id,
        owner=dictation.owner,
        status=JobStatus.AWAITING_MEDIA,
        source="upload",
        options=dictation.options,
        webhook=dictation.webhook,
        trace=dictation.trace,
        created_at=now,
    ).queued(at=now, media=found)
    queue.send(JobMessage.of(job), owner=job.owner)
    try:
        return jobs.create(job)
    except Conflict:
        return jobs.get(job_id)  # the same call, made at the same time


def wait_for(job: Job, *, jobs: JobStore, clock: Clock, until: datetime, sleep: Callable[[float], None]) -> Job:
    """Return the job at its end. Raises StillProcessing when it is not there by then."""
    pause = FIRST_LOOK
    while not job.status.terminal:
        if clock.now() >= until:
            raise StillProcessing(
                f"The recording is not done yet, and no call can wait longer. It goes on as job {job.id}: "
                f"GET /v1/transcriptions/{job.id} says how far it is, and GET /v1/transcriptions/{job.id}/transcript"
                "?format=verbose_json has the text when it is completed. Submit what takes long by "
                "POST /v1/transcriptions, which waits for nothing."
            )
        sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE)
        job = jobs.get(job.id)
    return job
