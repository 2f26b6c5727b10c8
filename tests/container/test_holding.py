"""A job longer than SQS hides a message is never without one, and never in two hands."""

from __future__ import annotations

from typing import Any

import pytest

from container.holding import Holding
from tests.fakes import FakeClock
from tests.fakes_queue import FakeJobQueue
from tiro.errors import ServiceUnavailable
from tiro.handling import Priority
from tiro.message import JobMessage
from tiro.ports import Received

MESSAGE = JobMessage(job_id="01kdy3q7ze0000000000000001", generation=2)


class Hands:
    """A worker's hold on the one message of a queue, on a clock that can be turned."""

    def __init__(self) -> None:
        self.clock, self.log = FakeClock(), list[str]()
        self.queue = FakeJobQueue(self.clock)
        self.queue.send(MESSAGE, owner="ada")
        self.holding = self.hold()

    def hold(self) -> Holding:
        return Holding(self.receive(), MESSAGE, owner="ada", queue=self.queue, clock=self.clock, log=self._note)

    def receive(self) -> Received:
        received = self.queue.receive(wait_seconds=0)
        assert received
        return received

    def work(self, hours: float) -> None:
        for _ in range(round(hours * 60)):
            self.clock.advance(60)
            self.holding.keep(120)

    def _note(self, event: str, **_: Any) -> None:
        self.log.append(event)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def test_for_half_a_day_nobody_else_sees_it(hands: Hands) -> None:
    hands.work(10.9)
    assert hands.queue.receive(wait_seconds=0) is None


def test_before_sqs_takes_it_away_another_stands_for_the_job(hands: Hands) -> None:
    hands.work(11.1)
    assert len(hands.queue) == 1
    other = hands.receive()
    assert JobMessage.parse(other.body) == MESSAGE
    assert other.receives == 1, "a message of its own, whose receives are counted anew"
    assert hands.log == ["replaced the message"]


def test_it_is_replaced_once_however_long_the_job(hands: Hands) -> None:
    hands.work(30)
    assert len(hands.queue) == 1
    assert hands.log == ["replaced the message"]


def test_a_queue_that_fails_is_asked_again(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    send, failures = hands.queue.send, [ServiceUnavailable(), ServiceUnavailable()]

    def sometimes(message: JobMessage, *, owner: str, priority: Priority) -> None:
        if failures:
            raise failures.pop()
        send(message, owner=owner, priority=priority)

    monkeypatch.setattr(hands.queue, "send", sometimes)
    hands.work(11.2)
    assert len(hands.queue) == 1
    assert hands.log == ["could not replace a message"] * 2 + ["replaced the message"]


def test_one_that_cannot_be_replaced_is_hidden_for_as_long_as_sqs_allows(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(message: JobMessage, *, owner: str, priority: Priority) -> None:
        raise ServiceUnavailable

    monkeypatch.setattr(hands.queue, "send", refused)
    hands.work(11.9)
    assert hands.queue.receive(wait_seconds=0) is None


def test_without_it_sqs_hands_the_message_out_after_half_a_day(hands: Hands) -> None:
    """What the fake does as SQS does it: extending ends after 12 hours."""
    received = Received("", "1:1", 1)
    for _ in range(12 * 60 + 1):
        hands.clock.advance(60)
        hands.queue.extend(received, seconds=120)
    assert hands.queue.receive(wait_seconds=0)
