"""Whoever prefers to wait gets the answer with the end of the job, while there is a seat."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from functions import wiring
from functions.api import preferences
from tests.functions.conftest import Stack
from tests.functions.jobs import HEARS, end_one, header, of_s3, path, queue_one, submit
from tests.functions.working import worker
from tiro.adapters import aws


class TestWait:
    def test_the_answer_comes_with_the_end(self, stack: Stack) -> None:
        job_id = queue_one(stack)
        with worker(HEARS, stack.settings):
            answer = stack.call("GET", path(job_id), headers={"Prefer": "respond-async, wait=20"})
        assert (answer["body"]["status"], header(answer, "Preference-Applied")) == ("completed", "wait=20")

    def test_or_when_the_time_is_over(self, stack: Stack) -> None:
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=1"})
        assert (answer["body"]["status"], header(answer, "Preference-Applied")) == ("queued", "wait=1")

    def test_nobody_waits_longer_than_20_seconds(self, stack: Stack) -> None:
        answer = stack.call("GET", path(end_one(stack)), headers={"Prefer": 'wait="99999"'})
        assert header(answer, "Preference-Applied") == "wait=20"

    def test_one_that_is_deleted_meanwhile_is_gone_and_says_since_when(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = queue_one(stack)

        def delete_it(_: float) -> None:
            now, job = wiring.clock().now(), wiring.jobs().get(job_id)
            cancelled = job.cancelled(at=now)
            wiring.jobs().save(job, cancelled)
            wiring.jobs().save(cancelled, cancelled.deleted(at=now))

        monkeypatch.setattr(preferences, "time", SimpleNamespace(sleep=delete_it))
        answer = stack.call("GET", path(job_id), headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], answer["body"]["code"]) == (410, "job_gone")
        assert answer["body"]["detail"].startswith(f"The transcription '{job_id}' was deleted at 20")

    @pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=-1", "wait=0", "return=minimal", "wait=1e3"])
    def test_other_preferences_are_none(self, stack: Stack, prefer: str) -> None:
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": prefer})
        assert (answer["statusCode"], header(answer, "Preference-Applied")) == (200, None)

    def test_without_a_seat_the_answer_comes_at_once(self, stack: Stack) -> None:
        now = wiring.clock().now()
        room = wiring.waiting_room()
        each = stack.settings.max_waiters_each
        while room.enter("ada", now=now, until=now + timedelta(hours=1)) is not None or _taken(stack) < each:
            pass
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], header(answer, "Preference-Applied")) == (200, None)

    def test_a_seat_is_given_back(self, stack: Stack) -> None:
        stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=1"})
        assert _taken(stack) == 0

    def test_who_takes_all_their_seats_leaves_others_theirs(self, stack: Stack) -> None:
        now, room = wiring.clock().now(), wiring.waiting_room()
        for _ in range(100):
            room.enter("bob", now=now, until=now + timedelta(hours=1))
        assert _taken(stack) == stack.settings.max_waiters_each
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=1"})
        assert header(answer, "Preference-Applied") == "wait=1"

    def test_a_submission_may_wait_for_its_end(self, stack: Stack) -> None:
        with worker(HEARS, stack.settings):
            answer = submit(stack, body=of_s3(stack), headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], answer["body"]["status"]) == (200, "completed")
        assert header(answer, "Location") == path(answer["body"]["id"])
        assert header(answer, "Preference-Applied") == "wait=20"

    def test_whoever_must_upload_first_does_not_wait(self, stack: Stack) -> None:
        answer = submit(stack, headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], header(answer, "Preference-Applied")) == (202, None)


def _taken(stack: Stack) -> int:
    items = aws.dynamodb_client().scan(TableName=stack.settings.table)["Items"]
    return len([item for item in items if item["pk"]["S"].startswith("waiting#")])
