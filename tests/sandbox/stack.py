"""What the end-to-end tests see of a sandbox: the API, the buckets, the queues and the table."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Protocol, Self, TypeVar

import httpx
import jiwer

from sandbox.emulator import Emulator
from sandbox.machine import OWNER
from sandbox.up import SAMPLE
from tiro.job import Job

T = TypeVar("T")

TEXT = SAMPLE.with_suffix(".txt").read_text()

LONG_ENOUGH = 60
"""Seconds after which what has not happened never will."""


class Running(Protocol):
    """A stack that somebody has deployed."""

    @property
    def env(self) -> dict[str, str]: ...

    @property
    def port(self) -> int: ...


class Stack:
    """One sandbox's, as the owner of its key."""

    def __init__(self, running: Running) -> None:
        self.env, emulator = running.env, Emulator(running.port)
        self.s3, self.sqs, self.dynamodb = (emulator.client(name) for name in ("s3", "sqs", "dynamodb"))
        self.media, self.transcripts = self.env["TIRO_MEDIA_BUCKET"], self.env["TIRO_TRANSCRIPT_BUCKET"]
        self.http = httpx.Client(base_url=f"{self.env['TIRO_API_URL']}/v1/", timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        for client in (self.s3, self.sqs, self.dynamodb):
            client.close()

    def call(self, method: str, path: str, *, key: str | None = "", **more: Any) -> httpx.Response:
        """Call the API with the sandbox's key, another or None."""
        headers = dict(more.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.env['TIRO_API_KEY']}"
        return self.http.request(method, path, headers=headers, **more)

    def submit(self, source: dict[str, Any], **options: Any) -> dict[str, Any]:
        answer = self.call("POST", "transcriptions", json={"source": source, **options})
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        assert answer.headers["Location"].endswith(f"/v1/transcriptions/{job['id']}")
        return job

    def upload(self, content: bytes, **asked: Any) -> dict[str, Any]:
        """Submit, send, wait; return the job at its end."""
        job = self.submit({"upload": asked})
        sent = self.send(job, content)
        assert sent.status_code == 200, sent.text
        return self.wait(job["id"])

    def send(self, job: dict[str, Any], content: bytes) -> httpx.Response:
        """Send a recording to the address that its job was given."""
        upload = job["upload"]
        return httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=content)

    def wait(self, job_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            job: dict[str, Any] = self.call("GET", f"transcriptions/{job_id}").json()
            return job if job["status"] in ("completed", "failed", "cancelled") else None

        return eventually(look)

    def drop(self, key: str, content: bytes, **more: Any) -> None:
        self.s3.put_object(Bucket=self.media, Key=f"inbox/{OWNER}/{key}", Body=content, **more)

    def found(self, key: str) -> dict[str, bytes]:
        """Return what lies beside what the owner dropped, by extension."""
        return self.beside(f"inbox/{OWNER}/{key}")

    def beside(self, key: str) -> dict[str, bytes]:
        """Return what lies in the transcript bucket beside a key, by extension."""
        prefix = f"{key}."
        listed = self.s3.list_objects_v2(Bucket=self.transcripts, Prefix=prefix).get("Contents", ())
        return {thing["Key"].removeprefix(prefix): self._read(thing["Key"]) for thing in listed}

    def _read(self, key: str) -> bytes:
        with closing(self.s3.get_object(Bucket=self.transcripts, Key=key)["Body"]) as body:
            content: bytes = body.read()
        return content

    def all_four(self, key: str) -> dict[str, bytes]:
        def look() -> dict[str, bytes] | None:
            found = self.found(key)
            return found if set(found) == {"json", "txt", "srt", "vtt"} else None

        return eventually(look)

    def jobs_of(self, key: str) -> list[Job]:
        """Return every job that was made for a dropped key."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.env["TIRO_TABLE"])
        documents = [i["document"]["S"] for page in pages for i in page["Items"] if i["sk"]["S"] == "job"]
        jobs = [Job.model_validate_json(document) for document in documents]
        return [job for job in jobs if job.drop and job.drop.key == f"inbox/{OWNER}/{key}"]

    def tell(self, event: dict[str, Any]) -> None:
        """Put an event on the queue where S3 puts its own."""
        self.sqs.send_message(QueueUrl=self.env["TIRO_UPLOAD_QUEUE_URL"], MessageBody=json.dumps(event))

    def all_told(self) -> bool:
        """Whether every event was handled."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = self.sqs.get_queue_attributes(QueueUrl=self.env["TIRO_UPLOAD_QUEUE_URL"], AttributeNames=names)
        return all(int(count) == 0 for count in counts["Attributes"].values())


def eventually(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + LONG_ENOUGH
    while (found := look()) is None or found is False:
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return found


def error_rate(heard: str) -> float:
    """Return the word error rate of the sample's transcript, whatever its case and punctuation."""
    return float(jiwer.wer(_words(TEXT), _words(heard)))


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))
