"""A Tiro API and an S3 on 127.0.0.1: the real contracts over real HTTP, with a worker that takes a step at each look.

S3's part is as strict as S3: it refuses a second kind of credentials, chunks, and a length or a type that was not
signed.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.factories import NOW, make_job, make_media, make_ref, make_run, make_transcript
from tiro.errors import (
    PROBLEM_MEDIA_TYPE,
    FormatNotAcceptable,
    JobNotFound,
    KeyRefused,
    RouteNotFound,
    TiroError,
    TranscriptNotReady,
)
from tiro.formats import FORMATS
from tiro.job import Job, JobStatus, Run, view
from tiro.key import new_key
from tiro.request import UploadSource, parse_request
from tiro.transcript import Transcript
from tiro.upload import Upload

KEY = new_key(bytes(range(32)))


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Fault:
    """What happens instead of an answer: a status, or None to hang up."""

    method: str
    status: int | None
    retry_after: int | None = None
    body: bytes = b"<html>Bad Gateway</html>"


@dataclass
class FakeApi:
    """Open to be looked into, and to be told what goes wrong next."""

    transcript: Transcript = field(default_factory=make_transcript)  # what every recording says
    error: TiroError | None = None  # what becomes of every job instead
    looks: int = 4  # how often a job is looked at before its end
    tells_length: bool = True  # among the headers that an upload is to have
    lends: bool = False  # a transcript is too large for an answer
    asked: list[Asked] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    faults: deque[Fault] = field(default_factory=deque)
    url: str = ""

    def __post_init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._uploads: dict[str, UploadSource] = {}

    def fail(self, method: str, status: int | None, *, times: int = 1, **how: Any) -> None:
        self.faults.extend(Fault(method, status, **how) for _ in range(times))

    def calls(self, method: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == method]

    # ------------------------------------------------------------ what the API does

    def create(self, body: bytes) -> tuple[Job, Upload | None]:
        request = parse_request(body)
        job_id = f"01kdy3q7ze{len(self.jobs):016}"
        job = make_job(id=job_id, options=request.options, source="upload" if request.source.upload else "s3")
        self.jobs[job_id] = job
        if request.source.s3:
            self.jobs[job_id] = job.queued(at=NOW, media=make_media(key=request.source.s3.key))
            return self.jobs[job_id], None
        asked = self._uploads[job_id] = request.source.upload or UploadSource()
        headers = {"content-type": asked.content_type} if asked.content_type else {}
        headers |= {"content-length": str(asked.size)} if asked.size and self.tells_length else {}
        url = f"{self.url}/media/uploads/{job_id}?X-Amz-Signature=abc"
        return job, Upload(method="PUT", url=url, headers=headers, expires_at=NOW)

    def receive(self, asked: Asked) -> tuple[int, str] | None:
        """Store an upload, or return the status and the code with which S3 refuses it."""
        job_id = urlsplit(asked.path).path.rsplit("/", 1)[-1]
        signed = self._uploads[job_id]
        if "authorization" in asked.headers:
            return 400, "InvalidArgument"
        if "transfer-encoding" in asked.headers:
            return 411, "MissingContentLength"
        if signed.size != len(asked.body) or signed.content_type != asked.headers.get("content-type"):
            return 403, "SignatureDoesNotMatch"
        self.objects[job_id] = asked.body
        media = make_media(key=f"uploads/ada/{job_id}", size=len(asked.body), name=signed.filename)
        self.jobs[job_id] = self.jobs[job_id].queued(at=NOW, media=media)
        return None

    def look(self, job_id: str) -> tuple[Job, Run | None]:
        """Return the job, one step further than at the last look."""
        job = self.find(job_id)
        seen = self._seen[job_id] = self._seen.get(job_id, 0) + 1
        if job.status is JobStatus.QUEUED and (seen > 1 or self.looks == 1):
            job = job.claimed(at=NOW)
        if job.status is JobStatus.PROCESSING and seen >= self.looks:
            job = self._end(job)
        self.jobs[job_id] = job
        total = self.transcript.duration
        return job, make_run(done=total * max(0, seen - 2) / self.looks, total=total)

    def _end(self, job: Job) -> Job:
        if self.error:
            return job.failed(at=NOW, problem=self.error.problem())
        heard = self.transcript
        return job.completed(at=NOW, transcript=make_ref(duration=heard.duration, no_speech=heard.no_speech))

    def find(self, job_id: str) -> Job:
        if job_id not in self.jobs:
            raise JobNotFound(f"You have no transcription {job_id!r}.")
        return self.jobs[job_id]

    def read(self, job_id: str, form: str) -> tuple[str, str]:
        if self.find(job_id).transcript is None:
            raise TranscriptNotReady
        if form not in FORMATS:
            raise FormatNotAcceptable
        return FORMATS[form].content_type, FORMATS[form].render(self.transcript)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: FakeApi

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        asked = Asked(self.command, self.path, headers, body)
        self.api.asked.append(asked)
        if self.api.faults and self.api.faults[0].method == self.command:
            self._fault(self.api.faults.popleft())
        elif self.path.startswith("/media/"):
            self._store(asked)
        elif self.path.startswith("/lent/"):
            self._lend(asked)
        else:
            self._answer(asked)

    def _fault(self, fault: Fault) -> None:
        if fault.status is None:
            self.close_connection = True
        else:
            hint = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            self._send(fault.status, "text/html", fault.body, hint)

    def _store(self, asked: Asked) -> None:
        refused = self.api.receive(asked)
        if refused:
            status, code = refused
            said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Not as it was signed.</Message></Error>"
            self._send(status, "application/xml", said.encode())
        else:
            self._send(200, "application/xml", b"")

    def _lend(self, asked: Asked) -> None:
        if "authorization" in asked.headers:
            said = "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed.</Message></Error>"
            self._send(400, "application/xml", said.encode())
        else:
            _, job_id, form = asked.path.strip("/").split("/")
            kind, text = self.api.read(job_id, form)
            self._send(200, kind, text.encode())

    def _answer(self, asked: Asked) -> None:
        try:
            if asked.headers.get("authorization") != f"Bearer {KEY}":
                raise KeyRefused
            self._route(asked)
        except TiroError as error:
            body = error.problem(request_id="r-1").model_dump_json()
            self._send(error.status, PROBLEM_MEDIA_TYPE, body.encode())

    def _route(self, asked: Asked) -> None:
        url = urlsplit(asked.path)
        match [asked.method, *map(unquote, url.path.strip("/").split("/"))]:
            case ["POST", "prod", "v1", "transcriptions"]:
                job, upload = self.api.create(asked.body)
                self._send(202, "application/json", view(job, upload=upload).model_dump_json().encode())
            case ["GET", "prod", "v1", "transcriptions", job_id]:
                job, run = self.api.look(job_id)
                hint = {} if job.status.terminal else {"Retry-After": "1"}
                self._send(200, "application/json", view(job, run).model_dump_json().encode(), hint)
            case ["GET", "prod", "v1", "transcriptions", job_id, "transcript"]:
                form = parse_qs(url.query)["format"][0]
                kind, text = self.api.read(job_id, form)
                if self.api.lends:
                    self._send(303, kind, b"", {"Location": f"{self.api.url}/lent/{job_id}/{form}"})
                else:
                    self._send(200, kind, text.encode())
            case _:
                raise RouteNotFound

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve(api: FakeApi) -> Iterator[FakeApi]:
    """Run an API on a free port, under the path of a stage, as API Gateway does."""
    handler = type("Handler", (_Handler,), {"api": api})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def body_of(asked: Asked) -> Any:
    return json.loads(asked.body)
