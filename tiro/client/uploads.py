"""Calls that make jobs, and bring their recordings: in one request, or in parts, of which a few go at once.

Every one carries an Idempotency-Key, so that it may be repeated until it is answered and still makes one job.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, TypeAlias

import httpx

from tiro.batch import BatchMade
from tiro.client.calls import job, job_path, plain
from tiro.client.failures import RequestFailed, read, unexpected
from tiro.client.flow import Flow, OnUpload, Send, Slice, Together, Told, answer_to
from tiro.client.memory import Begun, new_key
from tiro.errors import InvalidRequest, JobGone, JobNotFound, MediaEmpty, NoUploadOpen
from tiro.job import JobStatus, JobView
from tiro.request import Options, S3Object
from tiro.upload import MOST_URLS, PART_BYTES, Multipart, PartUrl, PartUrls, SentPart, Upload, UploadState

Source: TypeAlias = Path | S3Object | str
"""A file, or an object in S3, or what is written: `https://…`, `s3://bucket/key`, else the path of a file."""

AT_ONCE = 4
"""Parts on the way. One connection seldom fills a line; more than a few help nobody."""


def submit(
    source: Source,
    options: Options | None = None,
    *,
    key: str | None = None,
    begun: Begun | None = None,
    on_upload: OnUpload | None = None,
    **more: Any,
) -> Flow[JobView]:
    """Make a job of a recording, and send it if it is a file.

    `more` are other fields of the request, as the API names them: `metadata`, `webhook`, … The same `key` within 24
    hours is the same job; without one, it is of the client's making. A `begun` call that was remembered
    (tiro/client/memory.py) goes on where it broke off. Raises OSError when the file cannot be read,
    MediaEmpty when there is nothing in it.
    """
    source, begun = parse_source(source), begun or Begun(key or new_key())
    if begun.job_id:
        going_on, begun = yield from _go_on(begun, source, on_upload)
        if going_on:
            return going_on
    described = describe(source)
    body = {"source": described, **plain({**options_of(options), **more})}
    call = Send("POST", "/v1/transcriptions", json=body, headers={"Idempotency-Key": begun.key})
    made = read(JobView, (yield from answer_to(call)))
    begun.made(made.id)
    if isinstance(source, Path):
        if made.upload is None:
            raise unexpected(HTTPStatus.OK, "The answer does not say where to send the recording.")
        yield from _send(made.id, File(source, _size_of(described)), made.upload, on_upload)
    return made


def resume(job_id: str, source: Path, *, on_upload: OnUpload | None = None) -> Flow[JobView]:
    """Send what is missing of a recording in parts, after `submit` broke off.

    Raises InvalidRequest when the file is not as large as the one that was begun, NoUploadOpen when there is nothing
    to go on with.
    """
    state = read(UploadState, (yield from answer_to(Send("GET", f"{job_path(job_id)}/upload"))))
    if (size := source.stat().st_size) != state.size:
        raise InvalidRequest(f"{source} has {size:,} bytes, and {state.size:,} were to come. It is another file.")
    plan = Multipart(part_size=state.part_size, parts=state.parts, urls=())
    yield from _send_parts(job_id, File(source, size), plan, on_upload, sent=state.sent)
    return (yield from job(job_id))


def submit_batch(
    sources: Sequence[Source] = (), options: Options | None = None, *, key: str | None = None, **more: Any
) -> Flow[BatchMade]:
    """Make up to 1,000 jobs with the same options, and send those that are files.

    A source that was refused has its problem in its result. Instead of sources, `prefix="s3://bucket/prefix"` names all
    that is there, a thousand a call: `cursor=made.next_cursor` goes on.
    """
    parsed = [parse_source(source) for source in sources]
    described = [describe(source) for source in parsed]
    body = {**({"sources": described} if described else {}), **plain({**options_of(options), **more})}
    headers = {"Idempotency-Key": key or new_key()}
    made = read(BatchMade, (yield from answer_to(Send("POST", "/v1/batches", json=body, headers=headers))))
    sendings = [
        _send(result.job_id, File(source, _size_of(described[result.index])), result.upload, None)
        for result in made.results
        if result.job_id and result.upload and isinstance(source := parsed[result.index], Path)
    ]
    yield Together(sendings, AT_ONCE, Event())
    return made


def parse_source(source: Source) -> Path | S3Object | str:
    """Return what a source is: a string is a URL then. Raises InvalidRequest for what is no S3 address."""
    if not isinstance(source, str):
        return source
    if source.startswith("s3://"):
        try:
            return S3Object.parse(source)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
    return source if source.lower().startswith(("http://", "https://")) else Path(source)


def describe(source: Path | S3Object | str) -> dict[str, Any]:
    """Return a source as the API takes it. Raises OSError, MediaEmpty."""
    if isinstance(source, str):
        return {"url": source}
    if isinstance(source, S3Object):
        return {"s3": f"s3://{source.bucket}/{source.key}"}
    with source.open("rb") as file:  # now, and not when there is a job, it must turn out that it can be read
        size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise MediaEmpty(f"{source} has no bytes in it.")
    # A file's name is bytes, and on a bad day not UTF-8.
    name = os.fsencode(source.name).decode(errors="replace")
    kind, _ = mimetypes.guess_type(name)
    told = {"content_type": kind} if kind and kind.startswith(("audio/", "video/")) else {}
    return {"upload": {"filename": name, "size": size, **told}}


def _size_of(described: Mapping[str, Any]) -> int:
    size: int = described["upload"]["size"]
    return size


def options_of(options: Options | None) -> Mapping[str, Any]:
    return (options or Options()).model_dump(mode="json", exclude_defaults=True)


# ---------------------------------------------------------------- sending


@dataclass(frozen=True)
class File:
    path: Path
    size: int  # bytes, as was promised: one that grows is sent as it was


def _go_on(
    begun: Begun, source: Path | S3Object | str, on_upload: OnUpload | None
) -> Flow[tuple[JobView | None, Begun]]:
    """Return the job that was begun, its recording sent; or None, and how to begin."""
    job_id = begun.job_id or ""
    try:
        known = yield from job(job_id)
        if known.status in (JobStatus.FAILED, JobStatus.CANCELLED):
            return None, begun.anew()
        if known.status is JobStatus.AWAITING_MEDIA and isinstance(source, Path):
            known = yield from resume(job_id, source, on_upload=on_upload)
        return known, begun
    except NoUploadOpen:
        return None, begun  # it comes in one piece: the same key, once more, has its address signed anew
    except (JobNotFound, JobGone):
        return None, begun.anew()


def _send(job_id: str, file: File, upload: Upload, on_upload: OnUpload | None) -> Flow[None]:
    if upload.url is None:
        plan = upload.multipart or Multipart(part_size=PART_BYTES, parts=-(-file.size // PART_BYTES), urls=())
        yield from _send_parts(job_id, file, plan, on_upload)
        return
    headers = httpx.Headers(upload.headers)
    headers["Content-Length"] = str(file.size)  # else httpx sends chunks, which S3 refuses
    body = Slice(file.path, file.size, told=Told(file.size, on_upload))
    yield from answer_to(Send(upload.method, upload.url, headers=dict(headers), body=body))


def _send_parts(
    job_id: str, file: File, plan: Multipart, on_upload: OnUpload | None, *, sent: Sequence[SentPart] = ()
) -> Flow[None]:
    etags = {part.number: part.etag for part in sent}
    urls = {part.number: part for part in plan.urls}
    told = Told(file.size, on_upload, done={part.number: part.size for part in sent})

    def send_part(part: PartUrl) -> Flow[None]:
        body = Slice(file.path, part.size, (part.number - 1) * plan.part_size, told, part.number)
        headers = {"Content-Length": str(part.size)}
        try:
            answer = yield from answer_to(Send("PUT", part.url, headers=headers, body=body))
        except RequestFailed as refused:
            if refused.answer.status != HTTPStatus.FORBIDDEN:
                raise
            [renewed] = yield from _sign(job_id, [part.number])  # the first one has expired
            answer = yield from answer_to(Send("PUT", renewed.url, headers=headers, body=body))
        etags[part.number] = str(answer.headers.get("ETag", ""))

    missing = (number for number in range(1, plan.parts + 1) if number not in etags)
    for numbers in _batched(missing, MOST_URLS):
        unsigned = [number for number in numbers if number not in urls]
        urls |= {part.number: part for part in (yield from _sign(job_id, unsigned))}
        yield Together([send_part(urls[number]) for number in numbers], AT_ONCE, told.stop)
    parts = [{"number": number, "etag": etags[number]} for number in sorted(etags)]
    yield from answer_to(Send("POST", f"{job_path(job_id)}/upload/complete", json={"parts": parts}))


def _sign(job_id: str, numbers: Sequence[int]) -> Flow[Sequence[PartUrl]]:
    if not numbers:
        return ()
    call = Send("POST", f"{job_path(job_id)}/upload/parts", json={"numbers": list(numbers)})
    return read(PartUrls, (yield from answer_to(call))).urls


def _batched(numbers: Iterator[int], size: int) -> Iterator[list[int]]:
    while batch := list(islice(numbers, size)):
        yield batch
