"""Jobs on the stack: asked for, dropped, fetched, or made late. What the tests of several handlers begin with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from functions import on_fetch, on_upload, wiring
from tests.functions.conftest import Stack, sqs_event
from tiro.job import Job

JOBS = "/v1/transcriptions"
KEY = "inbox/ada/a.mp3"
LONG_AGO = datetime.now(UTC) - timedelta(days=2)


def ask(stack: Stack, **source: Any) -> str:
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
