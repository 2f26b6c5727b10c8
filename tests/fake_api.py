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
from urllib.parse import urlsplit

from tests.factories import NOW, make_job, make_media, make_ref, make_run, make_transcript
from tiro.errors import (
    PROBLEM_MEDIA_TYPE,
    FormatNotAcceptable,
    JobGone,
    JobNotFound,
    KeyRefused,
    NoUploadOpen,
    TiroError,
    TranscriptNotReady,
)
from tiro.formats import FORMATS
from tiro.job import Job, JobStatus, Run
from tiro.key import new_key
from tiro.request import UploadSource, parse_request
from tiro.transcript import Transcript
from tiro.upload import Multipart, PartUrl, SentPart, Upload, UploadState
from tiro.webhook import EndpointMade

KEY = new_key(bytes(range(32)))

PART = 1_000_000
"""Bytes of a part."""

MOST_SIGNED = 3
"""Part addresses in the answer that makes a job: for more of them, one must ask."""


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
    kind: str = "text/html"


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
    keys: dict[str, str] = field(default_factory=dict)  # Idempotency-Key: what it made
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)  # of uploads that are not whole
    parts_from: int = 10_000_000  # bytes: what is larger comes in parts
    endpoints: dict[str, EndpointMade] = field(default_factory=dict)
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

    def create(self, body: bytes, key: str = "") -> tuple[Job, Upload | None]:
        """Make a job, or, for a key that was there, find the one it made; a recording that is awaited may be sent."""
        request = parse_request(body)
        if key in self.keys and self.keys[key] in self.jobs:
            job = self.jobs[self.keys[key]]
            return job, self.sign(job.id) if job.status is JobStatus.AWAITING_MEDIA else None
        job_id = f"01kdy3q7ze{len(self.jobs):016}"
        job = make_job(id=job_id, options=request.options, source="upload" if request.source.upload else "s3")
        self.jobs[job_id] = job
        self.keys[key] = job_id
        if request.source.upload is None:
            self.jobs[job_id] = job.queued(at=NOW, media=make_media(key=job_id))
            return self.jobs[job_id], None
        self._uploads[job_id] = request.source.upload
        return job, self.sign(job_id)

    def sign(self, job_id: str) -> Upload:
        asked = self._uploads[job_id]
        if (asked.size or 0) >= self.parts_from:
            urls = tuple(self.part_url(job_id, number) for number in range(1, self.count(job_id) + 1))
            plan = Multipart(part_size=PART, parts=len(urls), urls=urls[:MOST_SIGNED])
            return Upload(method="PUT", url=None, headers={}, expires_at=NOW, multipart=plan)
        headers = {"content-type": asked.content_type} if asked.content_type else {}
        headers |= {"content-length": str(asked.size)} if asked.size and self.tells_length else {}
        url = f"{self.url}/media/uploads/{job_id}?X-Amz-Signature=abc"
        return Upload(method="PUT", url=url, headers=headers, expires_at=NOW)

    def count(self, job_id: str) -> int:
        return -(-(self._uploads[job_id].size or 0) // PART)

    def part_url(self, job_id: str, number: int) -> PartUrl:
        size = min(PART, (self._uploads[job_id].size or 0) - (number - 1) * PART)
        return PartUrl(number=number, size=size, url=f"{self.url}/media/parts/{job_id}/{number}")

    def upload_state(self, job_id: str) -> UploadState:
        asked, sent = self._uploads.get(job_id, UploadSource()), self.parts.get(job_id, {})
        if (asked.size or 0) < self.parts_from or self.find(job_id).status is not JobStatus.AWAITING_MEDIA:
            raise NoUploadOpen
        told = tuple(SentPart(number=n, size=len(body), etag=f'"{n:032}"') for n, body in sorted(sent.items()))
        return UploadState(size=asked.size or 0, part_size=PART, parts=self.count(job_id), sent=told)

    def complete(self, job_id: str) -> Job:
        self.upload_state(job_id)
        parts = self.parts.pop(job_id)
        assert sorted(parts) == list(range(1, self.count(job_id) + 1))
        self.objects[job_id] = b"".join(parts[number] for number in sorted(parts))
        self.jobs[job_id] = self.jobs[job_id].queued(at=NOW, media=make_media(size=len(self.objects[job_id])))
        return self.jobs[job_id]

    def receive(self, asked: Asked) -> tuple[int, str] | None:
        """Store an upload, or return the status and the code with which S3 refuses it."""
        pieces = urlsplit(asked.path).path.split("/")
        if pieces[2] == "parts":
            self.parts.setdefault(pieces[3], {})[int(pieces[4])] = asked.body
            return None
        job_id = pieces[-1]
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
        if self.jobs[job_id].deleted_at:
            raise JobGone
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

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if len(body) < int(headers.get("content-length", 0)):
            self.close_connection = True  # whoever sent it is gone: as S3, keep nothing of it
            return
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
            self._send(fault.status, fault.kind, fault.body, hint)

    def _store(self, asked: Asked) -> None:
        refused = self.api.receive(asked)
        if refused:
            status, code = refused
            said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Not as it was signed.</Message></Error>"
            self._send(status, "application/xml", said.encode())
        else:
            number = asked.path.rsplit("/", 1)[-1]
            self._send(200, "application/xml", b"", {"ETag": f'"{number:0>32}"'} if number.isdigit() else {})

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
        from tests.fake_routes import route

        reply = route(self.api, asked)
        self._send(reply.status, reply.kind, reply.body, reply.headers)

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
