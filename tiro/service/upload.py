"""A large recording comes in parts: where each goes, which are there, and when all are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tiro.errors import FieldProblem, InvalidRequest, NoUploadOpen
from tiro.job import Job, JobStatus
from tiro.ports import Clock, PartStore
from tiro.settings import ApiSettings
from tiro.upload import (
    Completion,
    Multipart,
    PartNumbers,
    Parts,
    PartUrl,
    PartUrls,
    SentPart,
    Upload,
    UploadState,
)

UPLOAD_OPEN = timedelta(hours=24)
"""How long parts may come. After two days S3 throws away what was not completed (infra/storage.py)."""


def in_parts(job: Job, *, parts: PartStore, first: int, settings: ApiSettings) -> Upload:
    """Return how a recording that was just asked for is to be sent in parts, with the `first` addresses."""
    coming = _coming(job)
    numbers = range(1, min(coming.count, first) + 1)
    signed = _sign(job, numbers, parts=parts, now=job.created_at, settings=settings)
    multipart = Multipart(part_size=coming.size, parts=coming.count, urls=signed.urls)
    return Upload(method="PUT", url=None, headers={}, expires_at=signed.expires_at, multipart=multipart)


def part_urls(job: Job, asked: PartNumbers, *, parts: PartStore, clock: Clock, settings: ApiSettings) -> PartUrls:
    """Return addresses for these parts. Raises NoUploadOpen, or InvalidRequest for a part that there is not."""
    coming = _coming(job)
    if wrong := [number for number in asked.numbers if number > coming.count]:
        raise InvalidRequest(f"The parts are 1 to {coming.count}; there is no {wrong[0]}.")
    return _sign(job, asked.numbers, parts=parts, now=clock.now(), settings=settings)


def upload_state(job: Job, *, parts: PartStore) -> UploadState:
    """Raises NoUploadOpen."""
    coming = _coming(job)
    sent = tuple(
        SentPart(number=p.number, size=p.size, etag=p.etag) for p in parts.parts(job.upload_key, coming.upload_id)
    )
    return UploadState(size=coming.whole, part_size=coming.size, parts=coming.count, sent=sent)


def complete_upload(job: Job, asked: Completion, *, parts: PartStore) -> None:
    """Make the recording of its parts; S3 will say that it was written. Once more is no error.

    Raises NoUploadOpen, or InvalidRequest naming the parts that are missing or are not what was sent.
    """
    if job.parts and job.status is not JobStatus.AWAITING_MEDIA and not job.status.terminal:
        return  # it was complete before
    coming = _coming(job)
    if asked.parts is None:
        etags = {part.number: part.etag for part in parts.parts(job.upload_key, coming.upload_id)}
    else:
        etags = {part.number: f'"{part.etag.strip(chr(34))}"' for part in asked.parts}
    expected = range(1, coming.count + 1)
    if missing := [number for number in expected if number not in etags]:
        raise _wrong(f"{_few(missing)} of {coming.count} parts are missing")
    if unknown := sorted(set(etags) - set(expected)):
        raise _wrong(f"there are {coming.count} parts, and no {_few(unknown)}")
    parts.complete(job.upload_key, coming.upload_id, [etags[number] for number in expected])


def _coming(job: Job) -> Parts:
    if job.parts is None:
        raise NoUploadOpen("This job's recording does not come in parts.")
    if job.status is not JobStatus.AWAITING_MEDIA:
        raise NoUploadOpen(f"The job is {job.status}: its recording is awaited no longer.")
    return job.parts


def _sign(job: Job, numbers: Iterable[int], *, parts: PartStore, now: datetime, settings: ApiSettings) -> PartUrls:
    coming, seconds = _coming(job), settings.upload_seconds
    urls = tuple(
        PartUrl(
            number=number,
            size=coming.size_of(number),
            url=parts.presign(job.upload_key, coming.upload_id, number, size=coming.size_of(number), seconds=seconds),
        )
        for number in numbers
    )
    return PartUrls(urls=urls, expires_at=now + timedelta(seconds=seconds))


def _few(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")


def _wrong(detail: str) -> InvalidRequest:
    return InvalidRequest(f"/parts: {detail}", errors=(FieldProblem(pointer="/parts", detail=detail),))
