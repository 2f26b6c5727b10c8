"""The container's worker on the real adapters: it goes on, clears away, and hears the version that it was told of.

tests/infra/test_roles.py runs this too, and asks whether the worker is allowed to.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from functions import wiring
from tests.functions.conftest import Stack
from tests.functions.container_worker import Hears, raises, work
from tests.functions.jobs import JOBS, KEY, arrive, ask, drop
from tiro.errors import EngineFailed, NotAudio
from tiro.handling import Priority
from tiro.job import JobStatus
from tiro.message import JobMessage
from tiro.pace import Depth


class TestWorker:
    def test_a_second_attempt_goes_on_and_clears_away(self, stack: Stack) -> None:
        job = drop(stack)
        first, second = Hears(raises(EngineFailed())), Hears()
        work(stack, first)
        wiring.queue(stack.settings.queue_url, "").send(JobMessage.of(wiring.jobs().get(job.id)), owner="ada")
        work(stack, second)
        assert (first.resumed, second.resumed) == (0, 1)
        assert wiring.jobs().get(job.id).status is JobStatus.COMPLETED
        found = stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["Contents"]
        assert {one["Key"].partition("/")[0] for one in found} == {"transcripts", "inbox"}

    def test_what_is_no_recording_is_said_beside_it(self, stack: Stack) -> None:
        drop(stack)
        work(stack, Hears(raises(NotAudio())))
        assert stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=f"{KEY}.problem.json")

    def test_an_attempt_that_lost_its_job_takes_back_what_it_wrote(self, stack: Stack) -> None:
        job = drop(stack)
        work(stack, Hears(lambda: stack.call("POST", f"{JOBS}/{job.id}/cancel")))
        assert wiring.jobs().get(job.id).status is JobStatus.CANCELLED
        assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0

    @pytest.mark.parametrize("door", ["inbox", "uploads", "archive"])
    def test_it_hears_the_version_that_it_was_told_of(
        self, stack: Stack, door: str, archive: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if door == "archive":
            stack.s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
            stack.s3.put_object(Bucket=archive, Key="ada/a.mp3", Body=b"speech")
            job_id = ask(stack, s3=f"s3://{archive}/ada/a.mp3")
        elif door == "uploads":
            job_id = ask(stack)
            arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
        else:
            job_id = drop(stack).id
        media = wiring.jobs().get(job_id).media
        assert media
        stack.s3.put_object(Bucket=media.bucket, Key=media.key, Body=b"another")
        work(stack, Hears())
        assert wiring.jobs().get(job_id).status is JobStatus.COMPLETED

    def test_a_batch_that_may_wait_is_heard_from_its_own_queue(self, stack: Stack) -> None:
        sources: list[dict[str, Any]] = [{"upload": {}}]
        made = stack.call("POST", "/v1/batches", body=json.dumps({"sources": sources, "priority": "batch"}))["body"]
        job_id = made["results"][0]["job_id"]
        arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
        hears = Hears(raises(EngineFailed()))
        work(stack, hears)
        assert stack.call("GET", f"/v1/batches/{made['id']}")["body"]["counts"]["queued"] == 1
        wiring.queue(stack.settings.batch_queue_url, "").send(JobMessage.of(wiring.jobs().get(job_id)), owner="ada")
        work(stack, Hears())
        assert stack.call("GET", f"/v1/batches/{made['id']}")["body"]["counts"]["completed"] == 1

    @pytest.mark.parametrize("priority", Priority)
    def test_a_message_that_sqs_would_soon_take_away_is_replaced(
        self, stack: Stack, priority: Priority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("container.holding.REPLACE_AFTER", timedelta())
        monkeypatch.setattr("tiro.service.checkpoint.PART", timedelta())  # each is noted by a heartbeat of its own
        job_id = ask(stack, priority=priority)
        arrive(stack.put(f"uploads/ada/{job_id}", b"speech"))
        work(stack, Hears())
        assert wiring.jobs().get(job_id).status is JobStatus.COMPLETED
        queue = wiring.queue(stack.settings.queue_url, stack.settings.batch_queue_url)
        assert queue.depth(priority) == Depth(waiting=1)
        work(stack, Hears())
        assert queue.depth(priority) == Depth(), "it found a job that is at its end"
