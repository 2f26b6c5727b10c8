"""Messages of a fetch come twice, early, late or never, and whoever takes one may die: a recording comes once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.tiro.fetching import LONG, Fetching
from tiro import service
from tiro.errors import Conflict, ServiceUnavailable
from tiro.fetch import Fetch
from tiro.job import Job, JobStatus
from tiro.message import FetchMessage
from tiro.service.fetch import LOOKS


@pytest.fixture
def house() -> Fetching:
    return Fetching()


def test_a_message_that_comes_twice_does_the_work_once(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    first = house.next_message()
    house.fetcher.take(first)
    assert house.fetcher.take(first) == "a leftover"
    assert house.run() == ["fetched"]
    assert house.fetched(job) == LONG
    assert house.left() == 0


def test_while_somebody_is_at_it_nobody_else_is(house: Fetching) -> None:
    job = house.ask()
    message = house.next_message()
    fetch = Fetch(job_id=job.id, begun_at=house.clock.now())
    house.fetches.save(fetch, fetch.taken(round_=1, until=house.clock.now() + timedelta(seconds=60)))
    assert house.fetcher.take(message) == "somebody is at it"
    assert house.web.asked == []
    assert house.run() == ["fetched"]  # whoever was at it died, and the message waited for that


def test_a_crash_after_any_step_loses_nothing(house: Fetching) -> None:
    """AWS fails at each call in turn; the message comes back, as from SQS."""
    for step in range(1, 40):
        house = Fetching()
        house.web.body, house.web.seconds_per_read = LONG, 70.0
        job = house.ask()
        failing = _Failing(step)
        for port in (house.fetches, house.parts, house.media, house.fetch_queue):
            failing.wrap(port)
        while message := house.fetch_queue.receive():
            try:
                house.fetcher.take(message)
            except ServiceUnavailable:
                house.fetch_queue.waiting.append((house.clock.now() + timedelta(seconds=1080), message))
        assert house.fetched(job) == LONG
        if not failing.failed:
            return
    raise AssertionError("there are more steps than were tried")


class _Failing:
    """The n-th call of all that change something does its work, and its answer is lost."""

    def __init__(self, step: int) -> None:
        self.left, self.failed = step, False

    def wrap(self, port: object) -> None:
        for name in ("save", "forget", "begin", "put", "complete", "keep", "send"):
            if (method := getattr(port, name, None)) and not (
                name == "put" and port.__class__.__name__ == "FakeMediaStore"
            ):
                setattr(port, name, self._losing(method))

    def _losing(self, method: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            answer = method(*args, **named)
            self.left -= 1
            if self.left == 0:
                self.failed = True
                raise ServiceUnavailable
            return answer

        return call


def test_a_message_before_its_job_looks_again(house: Fetching) -> None:
    house.fetch_queue.send(FetchMessage(job_id="nobody", round=1), owner="ada")
    assert house.run() == ["there is no such job"] * (LOOKS + 1)


def test_what_is_cancelled_is_thrown_away(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    house.fetcher.take(house.next_message())
    stored = house.jobs.get(job.id)
    cancelled = stored.model_copy(update={"status": JobStatus.CANCELLED, "revision": stored.revision + 1})
    house.jobs.save(stored, cancelled)
    assert house.run() == ["the job is cancelled"]
    assert house.left() == 0


def test_a_job_that_changes_under_our_hands_is_looked_at_anew(house: Fetching) -> None:
    job = house.ask()
    save, calls = house.jobs.save, []

    def once(before: Job, after: Job) -> None:
        calls.append(after)
        if len(calls) == 1:
            raise Conflict
        save(before, after)

    house.jobs.save = once  # type: ignore[method-assign]  # a loser, once
    assert house.run()[-1] == "fetched"
    assert house.fetched(job) == b"speech"


def test_what_is_not_fetched_in_time_is_told_so(house: Fetching) -> None:
    job = house.ask()
    house.clock.advance(6 * 3600 + 1)
    (failed,) = house.expire()
    assert (failed.id, failed.problem and failed.problem.code) == (job.id, "fetch_failed")


def test_a_message_nobody_could_take_fails_its_job(house: Fetching) -> None:
    job = house.ask()
    message = FetchMessage(job_id=job.id, round=1)
    ports = {"jobs": house.jobs, "transcripts": house.transcripts, "clock": house.clock}
    buried = service.bury_fetch(message, **ports)  # type: ignore[arg-type]  # each by its name
    assert buried
    assert (buried.status, buried.problem and buried.problem.code) == (JobStatus.FAILED, "attempts_exhausted")
    assert "Upload the recording" in buried.model_dump_json()
    assert service.bury_fetch(message, **ports) is None  # type: ignore[arg-type]
    assert service.bury_fetch(FetchMessage(job_id="nobody", round=1), **ports) is None  # type: ignore[arg-type]


def test_a_fetch_whose_message_is_lost_is_brought_on(house: Fetching) -> None:
    """The reaper sends the same round again, and the recording comes."""
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    message = house.next_message()
    assert house.fetcher.take(message).startswith("goes on")
    house.fetch_queue.waiting.clear()
    house.clock.advance(299)
    assert house.reap().fetched_again == []
    house.clock.advance(2)
    assert house.reap().fetched_again == [job.id]
    assert house.reap().fetched_again == [], "once is enough"
    assert house.run()[-1] == "fetched"
    assert house.fetched(job) == LONG


def test_a_fetch_that_waits_in_its_queue_is_left_alone(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    house.ask()
    message = house.next_message()
    house.fetcher.take(message)
    house.clock.advance(3600)
    assert house.reap().fetched_again == []
