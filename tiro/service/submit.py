"""A caller asks: a job is made."""

from __future__ import annotations

from datetime import timedelta

from tiro.errors import SourceForbidden
from tiro.job import Job, JobStatus, Media, Upload, new_id
from tiro.message import JobMessage
from tiro.ports import Clock, JobQueue, JobStore, MediaStore
from tiro.request import S3Object, TranscriptionRequest, UploadSource
from tiro.service.limits import check_size
from tiro.settings import ApiSettings


def submit(
    request: TranscriptionRequest,
    *,
    owner: str,
    jobs: JobStore,
    media: MediaStore,
    queue: JobQueue,
    clock: Clock,
    settings: ApiSettings,
) -> tuple[Job, Upload | None]:
    """Make a job. With an `upload` source, also return how to send the recording.

    Raises SourceForbidden, MediaNotFound, MediaEmpty or MediaTooLarge, and then there is no job.
    """
    if request.source.upload:
        job = _new_job(request, owner=owner, source="upload", clock=clock)
        return _await_upload(job, request.source.upload, jobs=jobs, media=media, settings=settings)
    assert request.source.s3  # noqa: S101  (Source holds exactly one)
    _check_allowed(request.source.s3, owner, settings)
    found = media.head(request.source.s3).media
    check_size(found, settings)
    job = _new_job(request, owner=owner, source="s3", clock=clock).queued(at=clock.now(), media=found)
    queue.send(JobMessage(job_id=job.id, generation=job.generation), owner=owner)
    return jobs.create(job), None


def _new_job(request: TranscriptionRequest, *, owner: str, source: str, clock: Clock) -> Job:
    now = clock.now()
    return Job(
        id=new_id(now, clock.entropy()),
        owner=owner,
        status=JobStatus.AWAITING_MEDIA,
        source=source,
        options=request.options,
        created_at=now,
    )


def _await_upload(
    job: Job, asked: UploadSource, *, jobs: JobStore, media: MediaStore, settings: ApiSettings
) -> tuple[Job, Upload]:
    named = Media(
        bucket=settings.media_bucket,
        key=f"uploads/{job.owner}/{job.id}",
        name=asked.filename,
        size=asked.size,
        content_type=asked.content_type,
    )
    check_size(named, settings)
    instructions = media.presign_upload(
        named.key, content_type=asked.content_type, size=asked.size, seconds=settings.upload_seconds
    )
    # An upload begun in the last second may run on for as long again.
    expires = job.created_at + timedelta(seconds=2 * settings.upload_seconds)
    job = jobs.create(job.model_copy(update={"media": named, "upload_expires_at": expires}))
    return job, instructions


def _check_allowed(source: S3Object, owner: str, settings: ApiSettings) -> None:
    """An owner may name what lies under a prefix of their own, in the media bucket or a source bucket."""
    own: dict[str, tuple[str, ...]] = {settings.media_bucket: (f"inbox/{owner}/", f"uploads/{owner}/")}
    own |= dict.fromkeys(settings.source_buckets, (f"{owner}/",))
    if not source.key.startswith(own.get(source.bucket, ())):
        places = " or ".join(f"s3://{bucket}/{prefixes[0]}" for bucket, prefixes in own.items())
        raise SourceForbidden(f"You may name objects under {places}; s3://{source.bucket}/{source.key} is not there.")
