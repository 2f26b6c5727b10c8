"""What its owner may see of a job."""

from __future__ import annotations

from tiro.errors import FormatNotAcceptable, JobNotFound, TranscriptNotReady, TranscriptUnavailable
from tiro.formats import FORMATS, Format
from tiro.job import Job, is_id
from tiro.ports import JobStore, TranscriptStore


def find(job_id: str, *, owner: str, jobs: JobStore) -> Job:
    """Return the owner's job. Raises JobNotFound, for another owner's job too."""
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


def read_transcript(job: Job, format_name: str, *, transcripts: TranscriptStore) -> tuple[Format, str]:
    """Return the transcript of a job in a format.

    Raises FormatNotAcceptable, TranscriptNotReady, or TranscriptUnavailable when the job ended without one.
    """
    form = FORMATS.get(format_name)
    if form is None:
        raise FormatNotAcceptable(f"There is no format {format_name!r}. Ask for one of {', '.join(FORMATS)}.")
    if job.transcript is None:
        if job.status.terminal:
            why = f": {job.problem.detail}" if job.problem else ""
            raise TranscriptUnavailable(f"The job {job.status}{why}")
        raise TranscriptNotReady(f"The job is {job.status}. Ask again in a few seconds.")
    return form, form.render(transcripts.get(job.transcript.key))
