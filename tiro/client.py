"""The HTTP client: a recording goes up, its job is watched, its transcript comes down."""

from __future__ import annotations

import mimetypes
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from tiro.errors import (
    PROBLEM_MEDIA_TYPE,
    InvalidRequest,
    KeyRefused,
    MediaEmpty,
    NotConfigured,
    Problem,
    TiroError,
    Unreachable,
)
from tiro.job import JobView
from tiro.request import Options, S3Object
from tiro.sending import OnUpload, Sending
from tiro.upload import PartUrl, PartUrls, SentPart, Upload, UploadState

M = TypeVar("M", bound=BaseModel)

OnProgress = Callable[[JobView], None]

ATTEMPTS = 5
"""How often a call that may be repeated is made in all."""

PASSING = frozenset({429, 502, 503, 504})
"""Answers that say no more than "not now"."""

CHUNK_BYTES = 256 * 1024
LONGEST_HINT_SECONDS = 60.0
FIRST_POLL_SECONDS = 0.5
LONGEST_POLL_SECONDS = 3.0
TIMEOUT = httpx.Timeout(60.0, connect=10.0)  # of each single read and write, not of the whole
_NO_ANSWER = (httpx.RequestError, httpx.InvalidURL)


class RequestFailed(TiroError):
    """The answer was a problem; it is carried as it came, and so are its code and its status."""

    def __init__(self, answer: Problem) -> None:
        super().__init__(answer.detail, errors=answer.errors)
        self.answer = answer

    def problem(self, *, instance: str | None = None, request_id: str | None = None) -> Problem:
        """Return the answer, which knows best where it happened."""
        known = {"instance": self.answer.instance or instance, "request_id": self.answer.request_id or request_id}
        return self.answer.model_copy(update=known)


class JobFailed(RequestFailed):
    """The job came to its end without a transcript; its problem is carried."""


class Client:
    """The API of one stack, for the holder of one key. Use it in a `with`, or close it.

    Every method raises RequestFailed when the API says no, and Unreachable when nobody answers. What may be
    repeated is, a few times; making a job may not be, since that could make two.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises NotConfigured for an address that is none, KeyRefused for a key that no header can carry."""
        if not re.fullmatch(r"https?://[!-~]+", url):
            raise NotConfigured(f"{url!r} is not an address of the form https://….")
        if not re.fullmatch(r"[!-~]+", key):
            raise KeyRefused("The key is empty, or holds a character that no key has.")
        self._api = f"{url.rstrip('/')}/v1/transcriptions"
        # Goes with each call to the API, and is not the client's default: the upload's address gets no key.
        self._authorization = {"Authorization": f"Bearer {key}"}
        self._sleep = sleep
        local = dict.fromkeys(("all://localhost", "all://*.localhost", "all://127.0.0.1"))  # by no proxy
        self._http = httpx.Client(transport=transport, mounts=local, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def submit(
        self, source: Path | S3Object, options: Options | None = None, *, on_upload: OnUpload | None = None
    ) -> JobView:
        """Make a job of a file, and send it, or of an object that is already in S3.

        Raises OSError when the file cannot be read, MediaEmpty when there is nothing in it.
        """
        if isinstance(source, S3Object):
            return self._create({"s3": f"s3://{source.bucket}/{source.key}"}, options)
        with source.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise MediaEmpty(f"{source} has no bytes in it.")
            job = self._create({"upload": _describe(source, size)}, options)
            if job.upload is None:
                raise _unexpected(200, "The answer does not say where to send the recording.")
            if job.upload.multipart is None:
                self._send(job.upload, file, size, on_upload)
                return job
        plan = job.upload.multipart
        self._send_parts(job.id, source, (size, plan.part_size), on_upload, urls=plan.urls)
        return job

    def resume(self, job_id: str, source: Path, *, on_upload: OnUpload | None = None) -> JobView:
        """Send what is missing of a recording in parts, after `submit` broke off.

        Raises InvalidRequest when the file is not as large as the one that was begun; RequestFailed with the code
        `no_upload_open` when there is nothing to go on with.
        """
        answer = self._get(f"{self._job_url(job_id)}/upload")
        state = _read(UploadState, answer)
        if (size := source.stat().st_size) != state.size:
            raise InvalidRequest(f"{source} has {size:,} bytes, and {state.size:,} were to come. It is another file.")
        self._send_parts(job_id, source, (state.size, state.part_size), on_upload, sent=state.sent)
        return self.job(job_id)

    def job(self, job_id: str) -> JobView:
        return self._look(job_id)[0]

    def wait(self, job_id: str, on_progress: OnProgress | None = None) -> JobView:
        """Return the job once it is at its end, well or not; `on_progress` sees it at every look."""
        pause = FIRST_POLL_SECONDS
        while True:
            job, hint = self._look(job_id)
            if on_progress:
                on_progress(job)
            if job.status.terminal:
                return job
            # Retry-After can only say whole seconds; half a second early is what it was rounded by.
            self._sleep(max(pause, hint - 0.5))
            pause = min(pause * 1.3, LONGEST_POLL_SECONDS)

    def transcript(self, job_id: str, format_name: str = "txt", **wishes: str | float) -> str:
        """Return a transcript; `wishes` are other parameters of the query, such as `max_lines`."""
        url = f"{self._api}/{quote(job_id, safe='')}/transcript"
        query = {"format": format_name} | {name: str(value) for name, value in wishes.items()}

        def look() -> httpx.Response:
            answer = self._http.get(url, params=query, headers=self._authorization)
            if answer.status_code != HTTPStatus.SEE_OTHER:
                return answer
            # Where a large one lies for a while. That address is signed: it needs no key, and is not to see one.
            return self._http.get(answer.url.join(answer.headers.get("Location", "")))

        return self._again(look, self._api).content.decode()

    # ------------------------------------------------------------ one call each

    def _create(self, source: dict[str, object], options: Options | None) -> JobView:
        body = {"source": source, **(options or Options()).model_dump(exclude_defaults=True)}
        answer = self._once(lambda: self._http.post(self._api, json=body, headers=self._authorization), self._api)
        return _job(answer)

    def _look(self, job_id: str) -> tuple[JobView, float]:
        url = f"{self._api}/{quote(job_id, safe='')}"
        answer = self._get(url)
        return _job(answer), min(_retry_after(answer), LONGEST_HINT_SECONDS)

    def _get(self, url: str, params: dict[str, str] | None = None) -> httpx.Response:
        return self._again(lambda: self._http.get(url, params=params, headers=self._authorization), self._api)

    def _send(self, upload: Upload, file: BinaryIO, size: int, on_upload: OnUpload | None) -> None:
        url, headers = upload.url or "", httpx.Headers(upload.headers)
        headers["Content-Length"] = str(size)  # else httpx sends chunks, which S3 refuses

        def put() -> httpx.Response:
            file.seek(0)
            return self._http.request(upload.method, url, headers=headers, content=_chunks(file, size, on_upload))

        self._again(put, httpx.URL(url).host)  # not the whole of it: it is signed, and lets anybody in

    def _send_parts(
        self,
        job_id: str,
        path: Path,
        sizes: tuple[int, int],
        on_upload: OnUpload | None,
        *,
        urls: Sequence[PartUrl] = (),
        sent: Sequence[SentPart] = (),
    ) -> None:
        api = f"{self._job_url(job_id)}/upload"

        def sign(numbers: Sequence[int]) -> Sequence[PartUrl]:
            return _read(PartUrls, self._post_again(f"{api}/parts", {"numbers": list(numbers)})).urls

        def put(part: PartUrl, chunks: Callable[[], Iterator[bytes]]) -> str:
            try:
                answer = self._put_part(part, chunks)
            except RequestFailed as refused:
                if refused.answer.status != HTTPStatus.FORBIDDEN:
                    raise
                answer = self._put_part(sending.renewed(part.number), chunks)  # the first one has expired
            return str(answer.headers.get("ETag", ""))

        sending = Sending(path, *sizes, put=put, sign=sign, on_upload=on_upload)
        sending.etags |= {part.number: part.etag for part in sent}
        etags = sending.send(urls)
        parts = [{"number": number, "etag": etags[number]} for number in sorted(etags)]
        self._post_again(f"{api}/complete", {"parts": parts})

    def _put_part(self, part: PartUrl, chunks: Callable[[], Iterator[bytes]]) -> httpx.Response:
        headers = {"Content-Length": str(part.size)}
        return self._again(
            lambda: self._http.put(part.url, headers=headers, content=chunks()), httpx.URL(part.url).host
        )

    def _post_again(self, url: str, body: object) -> httpx.Response:
        """For calls that may be repeated: they make nothing that could be there twice."""
        return self._again(lambda: self._http.post(url, json=body, headers=self._authorization), self._api)

    def _job_url(self, job_id: str) -> str:
        return f"{self._api}/{quote(job_id, safe='')}"

    # ------------------------------------------------------------ how often, and what came of it

    def _once(self, call: Callable[[], httpx.Response], where: str) -> httpx.Response:
        try:
            return _checked(call())
        except _NO_ANSWER as error:
            raise Unreachable(f"{where} does not answer: {error or type(error).__name__}.") from None

    def _again(self, call: Callable[[], httpx.Response], where: str) -> httpx.Response:
        for attempt in range(1, ATTEMPTS):
            hint = 0.0
            try:
                answer = call()
                if answer.status_code not in PASSING:
                    return _checked(answer)
                hint = min(_retry_after(answer), LONGEST_HINT_SECONDS)
            except _NO_ANSWER:
                pass
            spread = random.uniform(0.5, 1.0)  # noqa: S311  (keeps callers apart, not secrets)
            self._sleep(max(hint, 0.5 * 2**attempt * spread))
        return self._once(call, where)


def _describe(path: Path, size: int) -> dict[str, object]:
    # A file's name is bytes, and on a bad day not UTF-8.
    name = os.fsencode(path.name).decode(errors="replace")
    kind, _ = mimetypes.guess_type(name)
    return {"filename": name, "size": size} | (
        {"content_type": kind} if kind and kind.startswith(("audio/", "video/")) else {}
    )


def _chunks(file: BinaryIO, size: int, on_upload: OnUpload | None) -> Iterator[bytes]:
    """Yield exactly `size` bytes, as was promised, or raise OSError."""
    sent = 0
    while sent < size:
        if on_upload:
            on_upload(sent, size)
        chunk = file.read(min(CHUNK_BYTES, size - sent))
        if not chunk:
            raise OSError(f"The file became shorter while it was read: {sent:,} of {size:,} bytes are left.")
        sent += len(chunk)
        yield chunk
    if on_upload:
        on_upload(size, size)


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise _failure(answer)
    return answer


def _job(answer: httpx.Response) -> JobView:
    return _read(JobView, answer)


def _read(kind: type[M], answer: httpx.Response) -> M:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        what = "a job" if kind is JobView else f"what it should be ({kind.__name__})"
        raise _unexpected(answer.status_code, f"The answer is not {what}. Is this the address of a Tiro API?") from None


def _retry_after(answer: httpx.Response) -> float:
    """Return the seconds to wait; 0 without the header, or for the form with a date, which Tiro never sends."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0


def _failure(answer: httpx.Response) -> RequestFailed:
    """Read Tiro's own words, or S3's, or say that these are neither's."""
    if answer.headers.get("Content-Type", "").startswith(PROBLEM_MEDIA_TYPE):
        try:
            return RequestFailed(Problem.model_validate_json(answer.content))
        except ValidationError:
            pass
    said = re.search(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", answer.text, re.DOTALL)
    if said:
        sent = answer.request.method == "PUT"
        code, title = (
            ("upload_refused", "S3 refused the upload") if sent else ("copy_refused", "S3 keeps the copy back")
        )
        return _problem(code, title, answer.status_code, f"{said[2]} ({said[1]})")
    words = " ".join(answer.text.split())[:200]
    return _unexpected(answer.status_code, f"The answer was not in Tiro's words: {words or 'it was empty'}")


def _unexpected(status: int, detail: str) -> RequestFailed:
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "no known status"
    return _problem("unexpected_answer", f"Something else answered, with {status} {phrase}", status, detail)


def _problem(code: str, title: str, status: int, detail: str) -> RequestFailed:
    retryable = status in PASSING
    kind = f"urn:tiro:problem:{code}"
    return RequestFailed(Problem(type=kind, title=title, status=status, detail=detail, code=code, retryable=retryable))
