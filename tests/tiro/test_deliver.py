"""Telling somebody, on a clock that tests turn: days pass in a moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.factories import NOW, make_queued_job
from tests.fakes_delivery import FakeNotifier
from tests.tiro.post import SECRET, Post, ended
from tiro.delivery import SCHEDULE, DeliveryState, event_of
from tiro.errors import PeerUnavailable
from tiro.job import Job
from tiro.ports import Reply
from tiro.service.deliver import LOOK_AGAIN
from tiro.service.webhooks import try_out
from tiro.signature import verify
from tiro.webhook import EventType, JobWebhook

# ---------------------------------------------------------------- who is told


def test_every_endpoint_that_wants_to_hear_is_told_and_knows_that_it_is_us() -> None:
    post = Post()
    first, second = post.register(1), post.register(2)
    post.register(3, events=(EventType.QUEUED,))
    post.register(1, owner="bob")
    made = post.announce(ended(metadata={"order": "17"}))
    post.work()
    assert [post.look(one).state for one in made] == [DeliveryState.DELIVERED] * 2
    for endpoint, (url, headers, body) in zip((first, second), post.notifier.told, strict=True):
        assert url == endpoint.url
        verify(body, headers, secrets=[endpoint.secret], now=post.clock.now())
    told = json.loads(post.notifier.told[0][2])
    assert told["type"] == "transcription.cancelled"
    assert told["data"]["metadata"] == {"order": "17"}
    assert told["data"]["url"].endswith(told["data"]["id"])
    assert post.notifier.told[0][1]["webhook-id"] == post.notifier.told[1][1]["webhook-id"]
    assert made[0].event.trace
    digits = made[0].event.trace[2:].replace("-", "")
    assert [headers["traceparent"].split("-")[1] for _, headers, _ in post.notifier.told] == [digits, digits]


def test_a_job_s_own_webhook_is_told_alone() -> None:
    post = Post()
    post.register(1)
    named = post.register(2)
    post.announce(ended(webhook=JobWebhook(url="https://own.example/", secret=SECRET)))
    post.announce(ended(id="02", webhook=JobWebhook(endpoint=named.id)))
    post.work()
    assert [url for url, _, _ in post.notifier.told] == ["https://own.example/", named.url]
    _, headers, body = post.notifier.told[0]
    verify(body, headers, secrets=[SECRET], now=post.clock.now())
    queued = event_of(None, make_queued_job(id="03", webhook=JobWebhook(url="https://own.example/", secret=SECRET)))
    assert queued
    assert post.announce(queued) == [], "an address hears of the end alone"


def test_the_same_news_twice_is_told_once() -> None:
    post = Post()
    post.register()
    for _ in range(3):
        post.announce(ended())
    post.work()
    post.announce(ended())
    post.work()
    assert len(post.notifier.told) == 1


def test_a_body_is_small_whatever_the_caller_wrote() -> None:
    event = ended(metadata={f"{i:02}" + "ä" * 62: "日" * 512 for i in range(16)})
    assert "metadata" not in json.loads(event.body())["data"]
    assert len(event.body()) < 20_000


# ---------------------------------------------------------------- until it is told


def test_it_fails_twice_and_then_succeeds() -> None:
    post = Post(FakeNotifier(500, PeerUnavailable("nobody answers"), 204))
    post.register()
    [made] = post.announce(ended())
    post.pass_time(timedelta(minutes=10), step=1)
    delivery = post.look(made)
    assert delivery.state is DeliveryState.DELIVERED
    assert [(a.status, a.error) for a in delivery.attempts] == [
        (500, "It answered 500."),
        (None, "nobody answers"),
        (204, None),
    ]
    gaps = [b.at - a.at for a, b in zip(delivery.attempts, delivery.attempts[1:], strict=False)]
    assert 4 <= gaps[0].total_seconds() <= 7
    assert 270 <= gaps[1].total_seconds() <= 331


def test_it_is_tried_for_days_and_then_given_up() -> None:
    post = Post(FakeNotifier(500))
    post.register()
    [made] = post.announce(ended())
    post.pass_time(timedelta(days=5))
    delivery = post.look(made)
    assert (delivery.state, len(delivery.attempts), delivery.due_at) == (DeliveryState.FAILED, len(SCHEDULE), None)
    gaps = [b.at - a.at for a, b in zip(delivery.attempts, delivery.attempts[1:], strict=False)]
    for gap, planned in zip(gaps, SCHEDULE[1:], strict=True):
        assert 0.9 * planned <= gap <= 1.1 * planned + timedelta(minutes=2)
    ids = {headers["webhook-id"] for _, headers, _ in post.notifier.told}
    assert len(ids) == 1, "so that a receiver can tell what it has seen"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
def test_a_redirect_is_a_failure_like_any_other(status: int) -> None:
    post = Post(FakeNotifier(status, 200))
    post.register()
    [made] = post.announce(ended())
    post.work()
    assert post.look(made).state is DeliveryState.PENDING
    assert post.look(made).attempts[0].status == status


def test_who_is_gone_is_asked_no_more() -> None:
    post = Post(FakeNotifier(410))
    endpoint = post.register()
    [made] = post.announce(ended())
    post.pass_time(timedelta(days=1))
    assert post.look(made).state is DeliveryState.FAILED
    assert post.endpoints.get("ada", endpoint.id).disabled_because == "It answered 410."
    assert post.announce(ended(id="02")) == []
    assert len(post.notifier.told) == 1
    post.notifier.answers = [200]
    tried = try_out(endpoint.id, owner="ada", endpoints=post.endpoints, notifier=post.notifier, clock=post.clock)
    assert tried.succeeded
    assert len(post.announce(ended(id="03"))) == 1, "a test that succeeds opens it again"


@pytest.mark.parametrize("status", [429, 502, 504, 503])
def test_retry_after_is_honoured(status: int) -> None:
    post = Post(FakeNotifier(Reply(status, timedelta(hours=1)), 200))
    post.register()
    [made] = post.announce(ended())
    post.pass_time(timedelta(minutes=59))
    assert len(post.notifier.told) == 1
    post.pass_time(timedelta(minutes=5))
    assert post.look(made).state is DeliveryState.DELIVERED


def test_who_wants_to_be_left_alone_is_and_it_counts_as_no_try() -> None:
    post = Post(FakeNotifier(Reply(429, timedelta(minutes=10)), 200))
    post.register()
    post.announce(ended())
    post.work()
    [other] = post.announce(ended(id="02"))
    post.pass_time(timedelta(minutes=9))
    assert len(post.notifier.told) == 1
    assert post.look(other).tries == 0
    post.pass_time(timedelta(minutes=3))
    assert len(post.look(other).attempts) == 1


def test_nobody_waits_for_longer_than_a_day() -> None:
    post = Post(FakeNotifier(Reply(503, timedelta(days=400)), 200))
    post.register()
    [made] = post.announce(ended())
    post.pass_time(timedelta(hours=25))
    assert post.look(made).state is DeliveryState.DELIVERED


# ---------------------------------------------------------------- whatever dies on the way


def test_a_lost_message_is_sent_again() -> None:
    post = Post()
    post.register()
    [made] = post.announce(ended())
    post.queue.sent.clear()
    post.pass_time(timedelta(minutes=16))
    assert post.look(made).state is DeliveryState.DELIVERED


class Killed(BaseException):
    """The function's time is over."""


class DeadlyNotifier(FakeNotifier):
    """Whoever tells it something dies, so often."""

    def __init__(self, deaths: int) -> None:
        super().__init__(204)
        self.deaths = deaths

    def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if self.deaths:
            self.deaths -= 1
            raise Killed
        return super().tell(url, headers, body)


@pytest.mark.parametrize(("deaths", "ends"), [(1, DeliveryState.DELIVERED), (1000, DeliveryState.FAILED)])
def test_a_function_that_dies_leaves_it_to_another_but_not_for_ever(deaths: int, ends: DeliveryState) -> None:
    post = Post(DeadlyNotifier(deaths))
    post.register()
    [made] = post.announce(ended())
    for _ in range(2 * len(SCHEDULE)):
        with suppress(Killed):
            post.work()
        post.clock.advance(LOOK_AGAIN.total_seconds() + 1)
    assert post.look(made).state is ends


def test_a_message_that_comes_twice_tells_once() -> None:
    post = Post()
    post.register()
    post.announce(ended())
    [message] = post.queue.due()
    assert post.deliverer.take(message)
    assert post.deliverer.take(message) is None
    assert len(post.notifier.told) == 1


def test_an_endpoint_that_was_deleted_hears_nothing() -> None:
    post = Post()
    endpoint = post.register()
    [made] = post.announce(ended())
    post.endpoints.delete("ada", endpoint.id)
    post.work()
    assert post.look(made).state is DeliveryState.FAILED
    assert post.look(made).attempts[0].error == "The endpoint was deleted."
    assert not post.notifier.told


# ---------------------------------------------------------------- of a job that was deleted


def deleted(post: Post) -> Job:
    """Return a job that ran, was cancelled and deleted, whatever of that is told already."""
    job = make_queued_job(metadata={"order": "17"}, webhook=JobWebhook(url="https://own.example/", secret=SECRET))
    post.jobs.store(None, job.cancelled(at=NOW).deleted(at=NOW))
    return job


@pytest.mark.parametrize("answer", [204, 500])
def test_what_the_stream_brings_after_a_job_was_deleted_is_tried_once_and_leaves_nothing(answer: int) -> None:
    post = Post(FakeNotifier(answer))
    job = deleted(post)
    event = event_of(job, job.cancelled(at=NOW))
    assert event
    post.announce(event)
    post.pass_time(timedelta(days=1))
    assert len(post.notifier.told) == 1
    assert post.deliveries.of_job(job.id) == []


def test_who_wants_to_be_left_alone_hears_of_it_later() -> None:
    post = Post(FakeNotifier(Reply(429, timedelta(minutes=10)), 204))
    post.register()
    post.announce(ended(id="02"))
    post.work()
    job = make_queued_job(id="03")
    post.jobs.store(None, job.cancelled(at=NOW).deleted(at=NOW))
    [made] = post.announce(ended(id="03"))
    post.work()
    assert post.look(made).state is DeliveryState.PENDING
    post.pass_time(timedelta(minutes=15))
    assert post.deliveries.of_job("03") == []
    assert any(b'"03"' in body for _, _, body in post.notifier.told)
