"""Jobs on the stack: asked for, dropped, queued, fetched, ended or made late; what tests of its doors begin with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from functions import on_fetch, on_upload, wiring
from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.functions.conftest import Stack, sqs_event
from tests.functions.working import work
from tiro.errors import NotAudio
from tiro.job import Job

JOBS = "/v1/transcriptions"
KEY = "inbox/ada/a.mp3"
UPLOAD = '{"source": {"upload": {}}}'
LONG_AGO = datetime.now(UTC) - timedelta(days=2)
HEARS = FakeTranscriber(make_transcript())
FAILS = FakeTranscriber(NotAudio("A text."))


def header(answer: Any, name: str) -> str | None:
    values = answer["multiValueHeaders"].get(name)
    return values[0] if values else None


def submit(stack: Stack, **more: Any) -> Any:
    """Submit an upload, unless a body is given; return the answer."""
    return stack.call("POST", JOBS, **({"body": UPLOAD} | more))


def ask(stack: Stack, **source: Any) -> str:
    """Submit what has this source, and perhaps options; return the id of its job."""
    asked = {name: source.pop(name) for name in ("priority", "retention_seconds", "delete_media") if name in source}
    answer = stack.call("POST", JOBS, body=json.dumps({"source": source or {"upload": {}}, **asked}))
    assert answer["statusCode"] == 202, answer["body"]
    return str(answer["body"]["id"])


def arrive(*events: str) -> None:
    assert on_upload.handler(sqs_event(*events), None) == {"batchItemFailures": []}


def drop(stack: Stack, key: str = KEY, content: bytes = b"speech", **metadata: str) -> Job:
    """Have a file dropped; return the job that it makes."""
    arrive(stack.put(key, content, **metadata))
    [job] = [one for one in all_jobs(stack) if one.drop and one.drop.key == key]
    return job


def queue_one(stack: Stack) -> str:
    job_id = str(submit(stack)["body"]["id"])
    on_upload.handler(sqs_event(stack.put(f"uploads/ada/{job_id}", b"speech")), None)
    return job_id


def end_one(stack: Stack, transcriber: FakeTranscriber = HEARS) -> str:
    job_id = queue_one(stack)
    while work(transcriber, stack.settings):
        pass
    return job_id


def path(job_id: str, *more: str) -> str:
    return "/".join([JOBS, job_id, *more])


def of_s3(stack: Stack) -> str:
    stack.put("inbox/ada/a.mp3", b"speech")
    return json.dumps({"source": {"s3": f"s3://{stack.settings.media_bucket}/inbox/ada/a.mp3"}})


def all_jobs(stack: Stack) -> list[Job]:
    listed = stack.call("GET", JOBS)["body"]["data"]
    return [wiring.jobs().get(one["id"]) for one in listed]


def late(job: Job, **changes: Any) -> Job:
    """Save a job as if it had been made long ago."""
    past = job.model_copy(update={**changes, "revision": job.revision + 1})
    wiring.jobs().save(job, past)
    return past


def fetch(job_id: str, round_: int = 1) -> None:
    told = sqs_event(json.dumps({"job_id": job_id, "round": round_}))
    assert on_fetch.handler(told, None) == {"batchItemFailures": []}
