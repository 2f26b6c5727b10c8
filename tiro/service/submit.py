"""A caller asks: a job is made."""

from __future__ import annotations

from datetime import timedelta

from tiro.address import Address, Reach
from tiro.errors import FieldProblem, InvalidRequest, SourceForbidden
from tiro.job import Job, JobStatus, Media, new_id
from tiro.message import FetchMessage, JobMessage
from tiro.model import check_understood
from tiro.ports import Clock, FetchQueue, JobQueue, JobStore, MediaStore, PartStore
from tiro.request import S3Object, TranscriptionRequest, UploadSource
from tiro.service.fetch import check_reachable
from tiro.service.limits import check_model, check_size
from tiro.service.upload import UPLOAD_OPEN, in_parts
from tiro.settings import ApiSettings
from tiro.upload import MOST_URLS, MULTIPART_FROM, Parts, Upload

YOURS = "a recording that lies in S3 already is its owner's, and theirs to delete"


def submit(
    request: TranscriptionRequest,
    *,
    owner: str,
    jobs: JobStore,
    media: MediaStore,
    queue: JobQueue,
    fetches: FetchQueue,
    parts: PartStore,
    clock: Clock,
    settings: ApiSettings,
    batch: str | None = None,
    job_id: str | None = None,  # else a new one
    trace: str | None = None,  # of the call
) -> tuple[Job, Upload | None]:
    """Make a job. With an `upload` source, also return how to send the recording.

    Raises InvalidRequest, also for what the model cannot do, ModelNotFound, SourceForbidden, AddressRefused,
    MediaNotFound, MediaEmpty or MediaTooLarge, and then there is no job; Conflict when there is one of this id.
    """
    check_model(request.model, settings.models)
    check_understood(request.model or settings.models[0], language=request.language, task=request.task)
    if request.source.upload:
        job = _new_job(request, owner=owner, source="upload", batch=batch, clock=clock, job_id=job_id, trace=trace)
        return _await_upload(job, request.source.upload, jobs=jobs, media=media, parts=parts, settings=settings)
    if request.source.url:
        job = _new_job(request, owner=owner, source="url", batch=batch, clock=clock, job_id=job_id, trace=trace)
        return await_fetch(job, request.source.url, jobs=jobs, fetches=fetches, settings=settings), None
    assert request.source.s3  # noqa: S101  (Source holds exactly one)
    if request.delete_media:
        raise InvalidRequest(YOURS, errors=(FieldProblem(pointer="/delete_media", detail=YOURS),))
    check_allowed(request.source.s3, owner, settings)
    found = media.head(request.source.s3).media
    check_size(found, settings)
    job = _new_job(request, owner=owner, source="s3", batch=batch, clock=clock, job_id=job_id, trace=trace).queued(
        at=clock.now(), media=found
    )
    queue.send(JobMessage.of(job), owner=owner, priority=job.handling.priority)
    return jobs.create(job), None


def _new_job(
    request: TranscriptionRequest,
    *,
    owner: str,
    source: str,
    batch: str | None,
    clock: Clock,
    job_id: str | None,
    trace: str | None,
) -> Job:
    now = clock.now()
    return Job(
        id=job_id or new_id(now, clock.entropy()),
        owner=owner,
        status=JobStatus.AWAITING_MEDIA,
        source=source,
        batch=batch,
        trace=trace,
        options=request.options,
        handling=request.handling,
        metadata=request.metadata,
        webhook=request.webhook,
        created_at=now,
    )


def _await_upload(
    job: Job, asked: UploadSource, *, jobs: JobStore, media: MediaStore, parts: PartStore, settings: ApiSettings
) -> tuple[Job, Upload]:
    named = Media(
        bucket=settings.media_bucket,
        key=job.upload_key,
        name=asked.filename,
        size=asked.size,
        content_type=asked.content_type,
    )
    check_size(named, settings)
    if asked.size and asked.size > MULTIPART_FROM:
        upload_id = parts.begin(named.key, content_type=asked.content_type)
        job = job.model_copy(
            update={
                "media": named,
                "parts": Parts(upload_id=upload_id, whole=asked.size),
                "upload_expires_at": job.created_at + UPLOAD_OPEN,
            }
        )
        first = 0 if job.batch else MOST_URLS  # a thousand times a hundred addresses are too many for an answer
        return jobs.create(job), in_parts(job, parts=parts, first=first, settings=settings)
    instructions = media.presign_upload(
        named.key, content_type=asked.content_type, size=asked.size, seconds=settings.upload_seconds
    )
    # An upload begun in the last second may run on for as long again.
    expires = job.created_at + timedelta(seconds=2 * settings.upload_seconds)
    job = jobs.create(job.model_copy(update={"media": named, "upload_expires_at": expires}))
    return job, instructions


def await_fetch(job: Job, url: str, *, jobs: JobStore, fetches: FetchQueue, settings: ApiSettings) -> Job:
    """Have the recording of a new job fetched from where it is."""
    check_reachable(url, Reach.of(settings.allow_networks))
    named = Media(bucket=settings.media_bucket, key=job.upload_key, name=Address.parse(url).filename)
    expires = job.created_at + timedelta(seconds=settings.fetch_seconds)
    # The message first, as everywhere: who finds no job looks again a little later.
    fetches.send(FetchMessage(job_id=job.id, round=1), owner=job.owner)
    return jobs.create(job.model_copy(update={"url": url, "media": named, "upload_expires_at": expires}))


def check_allowed(source: S3Object, owner: str, settings: ApiSettings) -> None:
    """An owner may name what lies under a prefix of their own, in the media bucket or a source bucket."""
    own: dict[str, tuple[str, ...]] = {settings.media_bucket: (f"inbox/{owner}/", f"uploads/{owner}/")}
    own |= dict.fromkeys(settings.source_buckets, (f"{owner}/",))
    if not source.key.startswith(own.get(source.bucket, ())):
        places = " or ".join(f"s3://{bucket}/{prefixes[0]}" for bucket, prefixes in own.items())
        raise SourceForbidden(f"You may name objects under {places}; s3://{source.bucket}/{source.key} is not there.")
