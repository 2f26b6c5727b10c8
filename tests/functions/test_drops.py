"""Files that were dropped: told once, played, deleted, and not spoken of wrongly when two ends of one job race."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from functions import on_dead_letter, on_upload, wiring
from tests.functions.conftest import Stack, sqs_event
from tests.functions.container_worker import Hears, work
from tests.functions.jobs import JOBS, KEY, all_jobs, arrive, drop, late
from tiro.job import Job, JobStatus
from tiro.message import JobMessage
from tiro.service import end


def test_a_drop_is_played_and_deleted_with_what_lies_beside_it(stack: Stack) -> None:
    job = drop(stack)
    work(stack, Hears())
    assert stack.call("GET", f"{JOBS}/{job.id}/media")["statusCode"] == 200
    assert stack.call("DELETE", f"{JOBS}/{job.id}")["statusCode"] == 204
    assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0


def test_the_same_drop_told_twice_is_one_job(stack: Stack) -> None:
    event = stack.put(KEY, b"speech")
    arrive(event, event)
    assert len(all_jobs(stack)) == 1


@pytest.fixture
def log(stack: Stack) -> Iterator[io.StringIO]:
    """What on_upload writes into its log, whose handler outlives each test."""
    wiring.logger("on_upload")
    written, handlers = io.StringIO(), logging.getLogger("on_upload").handlers
    streams = [handler.setStream(written) for handler in handlers if isinstance(handler, logging.StreamHandler)]
    yield written
    for handler, stream in zip(handlers, streams, strict=True):
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)


@pytest.mark.parametrize(
    ("key", "reason", "problem"),
    [
        ("inbox/talk.mp3", "no_owner", True),
        ("inbox/Some One/täglich (1).mp3", "bad_owner", True),
        ("Inbox/ada/talk.mp3", "wrong_prefix", False),
        ("inbox/ADA/\n{}.mp3", "bad_owner", False),
    ],
)
def test_a_drop_without_an_owner_leaves_a_trace(
    stack: Stack, log: io.StringIO, capsys: pytest.CaptureFixture[str], key: str, reason: str, problem: bool
) -> None:
    event, good = stack.put(key, b"speech"), stack.put(KEY, b"speech")
    capsys.readouterr()
    arrive(event, event, good)
    logged = [json.loads(line) for line in log.getvalue().splitlines()]
    said = [line for line in logged if line["message"] == "drop refused"]
    beside = f"{key}.problem.json" if problem else None
    assert [(line["level"], line["key"], line["reason"], line.get("problem_key")) for line in said] == [
        ("WARNING", key, reason, beside)
    ] * 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    counted = [line for line in lines if "DropsRefused" in line]
    assert [(line["reason"], line["DropsRefused"]) for line in counted] == [(reason, [1.0])] * 2
    assert {tuple(sorted(one["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0])) for one in counted} == {
        ("reason", "stage")
    }
    found = stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket).get("Contents", [])
    assert [one["Key"] for one in found] == ([beside] if beside else [])
    if beside:
        body = stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=beside)
        assert body["ContentType"] == "application/problem+json"
        told = json.loads(body["Body"].read())
        assert (told["code"], told["status"], told["retryable"]) == ("no_owner", 422, False)
        assert "inbox/{owner}/" in told["detail"]
    assert len(all_jobs(stack)) == 1, "the good one beside it"


def test_a_drop_that_asks_for_what_there_is_not_is_told_so(stack: Stack) -> None:
    job = drop(stack, language="klingon")
    assert job.status is JobStatus.FAILED
    assert stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=f"{KEY}.problem.json")


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is about to fail a job finds that it was completed meanwhile."""
    publish = end._publish_problem

    def and_then(drop: Any, problem: Any, **ports: Any) -> None:
        publish(drop, problem, **ports)
        [job] = [one for one in seen if one.drop == drop]
        late(wiring.jobs().get(job.id), status=JobStatus.COMPLETED)

    seen: list[Job] = []
    create = wiring.jobs().create

    def remember(job: Job) -> Job:
        seen.append(job)
        return create(job)

    monkeypatch.setattr(wiring.jobs(), "create", remember)
    monkeypatch.setattr(end, "_publish_problem", and_then)


def test_a_problem_is_taken_back_when_the_job_was_completed_meanwhile(stack: Stack, overtaken: None) -> None:
    on_upload.handler(sqs_event(stack.put(KEY, b"speech", language="klingon")), None)
    arrive(stack.put("inbox/ada/b.mp3", b"speech"))
    [queued] = [one for one in all_jobs(stack) if one.status is JobStatus.QUEUED]
    on_dead_letter.handler(sqs_event(JobMessage.of(queued).model_dump_json()), None)
    assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0
