"""What its owner may see of a job."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta

from tiro.errors import (
    FieldProblem,
    FormatNotAcceptable,
    InvalidRequest,
    JobGone,
    JobNotFound,
    MediaNotFound,
    TranscriptNotReady,
    TranscriptUnavailable,
)
from tiro.formats import FORMATS, Format, Wishes
from tiro.formats.wishes import NO_WISHES
from tiro.job import Job, MediaLink, is_id
from tiro.ports import Clock, JobStore, MediaStore, TranscriptStore
from tiro.request import S3Object

LARGEST_ANSWER = 5_000_000
"""Bytes of a text in a Lambda's answer, which may be 6 MB in all (Lambda quotas, "Invocation payload")."""

PLAYED_SECONDS = 3600
"""How long a recording's address is good, at most: it ends with the credentials of the function that signed it."""

_PLAYABLE = re.compile(r"(audio|video)/[\w.+-]+", re.ASCII)

LENT_SECONDS = 900
"""How long the address of a copy is good; the copy itself is gone a day or two later, by the bucket's own rule."""


def find(job_id: str, *, owner: str, jobs: JobStore) -> Job:
    """Return the owner's job. Raises JobNotFound, for another owner's job too, or JobGone when it was deleted."""
    job = find_even_gone(job_id, owner=owner, jobs=jobs)
    if job.deleted_at:
        raise gone(job)
    return job


def gone(job: Job) -> JobGone:
    """Say of a tombstone what it is."""
    return JobGone(f"The transcription {job.id!r} was deleted at {job.deleted_at:%Y-%m-%d %H:%M:%S} UTC.")


def find_even_gone(job_id: str, *, owner: str, jobs: JobStore) -> Job:
    """Return the owner's job, be it a tombstone. Raises JobNotFound, for another owner's job too."""
    unknown = JobNotFound("You have no transcription with this id.")  # the same words, whatever the reason
    if not is_id(job_id):
        raise unknown
    try:
        job = jobs.get(job_id)
    except JobNotFound:
        raise unknown from None
    if job.owner != owner:
        raise unknown
    return job


def read_transcript(
    job: Job, form: Format | str, *, transcripts: TranscriptStore, wishes: Wishes = NO_WISHES
) -> tuple[Format, str]:
    """Return the transcript of a job in a format, or in that of FORMATS which has this name.

    Raises FormatNotAcceptable, TranscriptNotReady, TranscriptUnavailable when the job ended without one, or
    InvalidRequest when words are wished for and their times are not known.
    """
    if isinstance(form, str):
        if form not in FORMATS:
            raise FormatNotAcceptable(f"There is no format {form!r}. Ask for one of {', '.join(FORMATS)}.")
        form = FORMATS[form]
    if job.transcript is None:
        if job.status.terminal:
            why = f": {job.problem.detail}" if job.problem else ""
            raise TranscriptUnavailable(f"The job {job.status}{why}")
        raise TranscriptNotReady(f"The job is {job.status}. Ask again in a few seconds.")
    transcript = transcripts.get(job.transcript.key)
    if "word" in wishes.granularities and transcript.segments and not any(s.words for s in transcript.segments):
        detail = "this recording was heard without the times of its words"
        problem = FieldProblem(pointer="/timestamp_granularities", detail=detail)
        raise InvalidRequest(f"{problem.pointer}: {detail}", errors=(problem,))
    return form, form.render(transcript, wishes)


def lend_large(job: Job, form: Format, text: str, *, transcripts: TranscriptStore) -> str | None:
    """Return where a rendered text lies for a while, if it is too large for an answer."""
    # Python's Lambda runtime answers in ASCII: a letter of Cyrillic has two bytes here and six on the way.
    if len(text) * 6 <= LARGEST_ANSWER or len(json.dumps(text)) <= LARGEST_ANSWER:
        return None
    body = text.encode()
    name = hashlib.sha256(body).hexdigest()[:32]  # the same text is the same copy
    key = f"renderings/{job.owner}/{job.id}/{name}.{form.extension}"
    return transcripts.lend(key, body, form.content_type, seconds=LENT_SECONDS)


def lend_media(job: Job, *, media: MediaStore, clock: Clock) -> MediaLink:
    """Return where a job's recording can be played from. Raises MediaNotFound when it is not there, or not yet."""
    if job.media is None or job.media_deleted_at:
        raise MediaNotFound("The recording was removed." if job.media_deleted_at else "No recording came.")
    where = S3Object(bucket=job.media.bucket, key=job.media.key)
    there = media.head(where, job.media.version).media
    said = (job.media.content_type or there.content_type or "").partition(";")[0]
    # A page that somebody uploaded must not be shown as one.
    content_type = said if _PLAYABLE.fullmatch(said) else "application/octet-stream"
    url = media.lend(there, content_type=content_type, seconds=PLAYED_SECONDS)
    return MediaLink(url=url, content_type=content_type, expires_at=clock.now() + timedelta(seconds=PLAYED_SECONDS))
