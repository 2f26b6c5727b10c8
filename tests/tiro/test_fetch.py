"""A `url` is fetched: round after round, whatever the server does."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes_fetch import DOWN, NOT_FOUND, FakeWeb
from tests.house import NAMES, House
from tiro import service
from tiro.errors import AddressRefused, Conflict, InvalidRequest, MediaTooLarge, ServiceUnavailable
from tiro.fetch import Fetch
from tiro.job import Job, JobStatus, view
from tiro.message import FetchMessage
from tiro.request import S3Object
from tiro.service import Fetcher
from tiro.service.fetch import LOOKS, MAX_FAILURES, MAX_RESTARTS, PART_BYTES
from tiro.settings import FetchSettings

URL = "https://media.example/x/my%20talk.mp3?sig=secret"

LONG = bytes(range(256)) * (PART_BYTES // 256) * 3 + b"the end"
"""Three parts and a little."""


@dataclass
class Fetching(House):
    limits: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.web = FakeWeb(self.clock)
        names = {name: value for name, value in NAMES.items() if name not in ("queue_url", "delivery_queue_url")}
        self.fetcher = Fetcher(
            jobs=self.jobs,
            fetches=self.fetches,
            web=self.web,
            parts=self.parts,
            media=self.media,
            queue=self.fetch_queue,
            transcripts=self.transcripts,
            clock=self.clock,
            settings=FetchSettings(**names, **self.limits),
        )

    def ask(self, url: str = URL) -> Job:
        job, upload = self.submit(f'{{"source": {{"url": "{url}"}}}}')
        assert upload is None
        return job

    def run(self) -> list[str]:
        """Take messages until there are none; return what came of each."""
        came = []
        while message := self.fetch_queue.receive():
            came.append(self.fetcher.take(message))
        return came

    def fetched(self, job: Job) -> bytes:
        """Return what lies where S3 will say that it was written."""
        found = self.media.head(S3Object(bucket="media", key=f"uploads/ada/{job.id}")).media
        return self.media.read(found, 0, found.size or 0)

    def left(self) -> int:
        return len(self.parts.open) + len(self.fetches.fetches) + len(self.fetch_queue.waiting)


@pytest.fixture
def house() -> Fetching:
    return Fetching()


def test_a_url_waits_for_its_recording(house: Fetching) -> None:
    job = house.ask()
    assert (job.status, job.source, job.url) == (JobStatus.AWAITING_MEDIA, "url", URL)
    assert job.media
    assert job.media.name == "my talk.mp3"
    assert job.upload_expires_at == job.created_at + timedelta(hours=6)
    assert "secret" not in view(job).model_dump_json()


def test_a_short_recording_is_one_object_at_once(house: Fetching) -> None:
    job = house.ask()
    assert house.run() == ["fetched"]
    assert house.fetched(job) == b"speech"
    described = house.jobs.get(job.id)
    assert described.media
    assert (described.media.name, described.media.content_type) == ("talk.mp3", "audio/mpeg")
    assert described.status is JobStatus.AWAITING_MEDIA  # until S3 says that it is there
    assert house.left() == 0
    arrived = house.arrived(house.put(f"uploads/ada/{job.id}"))
    assert arrived
    assert (arrived.status, arrived.media and arrived.media.name) == (JobStatus.QUEUED, "talk.mp3")


@pytest.mark.parametrize("says_size", [True, False])
@pytest.mark.parametrize("body", [LONG, LONG[: 2 * PART_BYTES], LONG[:PART_BYTES]])
def test_a_long_recording_comes_in_parts(house: Fetching, body: bytes, says_size: bool) -> None:
    house.web.body, house.web.says_size = body, says_size
    job = house.ask()
    assert house.run() == ["fetched"]
    assert house.fetched(job) == body
    assert house.left() == 0


def test_what_takes_longer_goes_on_in_the_next_round(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0  # two parts in a round of 120 s
    job = house.ask()
    assert house.run() == [f"goes on from {2 * PART_BYTES:,} bytes", "fetched"]
    assert house.web.asked == [(URL, 0, None), (URL, 2 * PART_BYTES, '"1"')]
    assert house.fetched(job) == LONG
    assert house.left() == 0


def test_a_server_that_can_only_begin_anew_is_not_asked_for_ever(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read, house.web.goes_on = LONG, 70.0, False
    job = house.ask()
    assert house.run()[-1].startswith("failed: The server cannot go on where it stopped")
    assert len(house.web.asked) == MAX_RESTARTS + 2
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("fetch_failed", False)
    assert house.left() == 0


def test_a_recording_that_changed_is_not_sewn_to_its_old_half(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    message = house.fetch_queue.receive()
    assert message
    house.fetcher.take(message)
    house.web.body, house.web.tag, house.web.seconds_per_read = b"x" + LONG, '"2"', 0.0
    assert house.run() == ["fetched"]
    assert house.fetched(job) == b"x" + LONG
    assert house.left() == 0


def test_what_breaks_off_is_taken_up_where_it_stopped(house: Fetching) -> None:
    house.web.body = LONG
    job = house.ask()
    house.web.fails = [DOWN]
    came = house.run()
    assert came[0].startswith("The server answered 503 Service Unavailable. Again in ")
    assert came[1:] == ["fetched"]
    assert house.fetched(job) == LONG


def test_failures_are_counted_anew_after_every_part(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 200.0  # a part in each round
    job = house.ask()
    house.web.fails = [DOWN] * (MAX_FAILURES - 1)
    for _ in range(MAX_FAILURES):
        house.fetcher.take(_message(house))
    house.web.fails = [DOWN] * (MAX_FAILURES - 1)
    assert house.run()[-1] == "fetched"
    assert house.fetched(job) == LONG


def _message(house: Fetching) -> FetchMessage:
    message = house.fetch_queue.receive()
    assert message
    return message


def test_a_server_that_is_down_is_asked_a_few_times_over_many_minutes(house: Fetching) -> None:
    job = house.ask()
    house.web.fails = [DOWN] * 99
    began = house.clock.now()
    assert len(house.run()) == MAX_FAILURES
    assert timedelta(minutes=10) < house.clock.now() - began < timedelta(minutes=40)
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("peer_unavailable", True)
    assert problem.detail == "The server answered 503 Service Unavailable."
    assert house.left() == 0


def test_a_server_that_says_no_is_asked_once(house: Fetching) -> None:
    job = house.ask()
    house.web.fails = [NOT_FOUND]
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("fetch_failed", False)
    assert problem.detail == "The server answered 404 Not Found."
    assert (len(house.web.asked), house.left()) == (1, 0)


@pytest.mark.parametrize("says_size", [True, False])
def test_what_is_too_large_is_not_read_to_its_end(says_size: bool) -> None:
    house = Fetching(limits={"max_media_bytes": PART_BYTES + 1})
    house.web.body, house.web.says_size = LONG, says_size
    job = house.ask()
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert problem.code == MediaTooLarge.code
    assert house.left() == 0


def test_nothing_is_not_a_recording(house: Fetching) -> None:
    house.web.body, house.web.says_size = b"", False
    job = house.ask()
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert problem.code == "media_empty"


# ---------------------------------------------------------------- at least once, in no order


def test_a_message_that_comes_twice_does_the_work_once(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    first = _message(house)
    house.fetcher.take(first)
    assert house.fetcher.take(first) == "a leftover"
    assert house.run() == ["fetched"]
    assert house.fetched(job) == LONG
    assert house.left() == 0


def test_while_somebody_is_at_it_nobody_else_is(house: Fetching) -> None:
    job = house.ask()
    message = _message(house)
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
    house.fetcher.take(_message(house))
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
    assert service.bury_fetch(message, **ports) is None  # type: ignore[arg-type]
    assert service.bury_fetch(FetchMessage(job_id="nobody", round=1), **ports) is None  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is refused at once


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/", "http://127.0.0.1/", "https://media.example:8443/"])
def test_an_address_that_may_not_be_reached_makes_no_job(house: Fetching, url: str) -> None:
    with pytest.raises(AddressRefused):
        house.ask(url)
    assert house.jobs.jobs == {}


@pytest.mark.parametrize(
    "url", ["ftp://media.example/a", "http://2130706433/", "https://a:b@media.example/", "", "a b"]
)
def test_what_is_not_a_url_is_named(house: Fetching, url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        house.ask(url)
    assert refused.value.errors[0].pointer == "/source/url"


def test_a_fetch_whose_message_is_lost_is_brought_on(house: Fetching) -> None:
    """The reaper sends the same round again, and the recording comes."""
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    message = house.fetch_queue.receive()
    assert message
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
    message = house.fetch_queue.receive()
    assert message
    house.fetcher.take(message)
    house.clock.advance(3600)
    assert house.reap().fetched_again == []
