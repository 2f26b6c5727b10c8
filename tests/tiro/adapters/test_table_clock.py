"""Workers with wrong clocks agree on what time it is, for it is the table's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.factories import make_queued_job
from tests.fakes import FakeClock, FakeJobStore, FakeRunStore, FakeTranscriptStore
from tiro import service
from tiro.adapters import aws
from tiro.adapters.system import SystemClock
from tiro.adapters.table_clock import TableClock
from tiro.job import Run
from tiro.message import JobMessage
from tiro.service import Claim, Declined, LeaseTerms

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


class Machine:
    """A worker's machine, whose clock is `wrong` seconds ahead of the table's."""

    def __init__(self, table: FakeClock, wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self._table, self._wrong = table, wrong
        self._began = table.now()
        monkeypatch.setattr(SystemClock, "now", lambda _: self._machine_time())
        self.clock = TableClock(monotonic=lambda: (table.now() - self._began).total_seconds())

    def _machine_time(self) -> datetime:
        return self._table.now() + timedelta(seconds=self._wrong)

    def ask_table(self) -> None:
        """Any call: its answer carries the table's time, to the second."""
        self.clock.hear(format_datetime(self._table.now(), usegmt=True))


@pytest.mark.parametrize("wrong", [-900, -5, 0, 5, 900])
def test_it_is_the_tables_time_whatever_the_machine_says(wrong: float, monkeypatch: pytest.MonkeyPatch) -> None:
    table = FakeClock(NOON)
    machine = Machine(table, wrong, monkeypatch)
    assert machine.clock.now() == NOON + timedelta(seconds=wrong), "until an answer came"
    machine.ask_table()
    for _ in range(100):
        table.advance(7.3)
        machine.ask_table()
        assert abs(machine.clock.now() - table.now()) <= timedelta(seconds=1)


def test_between_answers_it_goes_on_steadily(monkeypatch: pytest.MonkeyPatch) -> None:
    table = FakeClock(NOON)
    machine = Machine(table, 60, monkeypatch)
    machine.ask_table()
    times = []
    for _ in range(50):
        times.append(machine.clock.now())
        table.advance(0.1)
        machine.ask_table()
    steps = {round((b - a).total_seconds(), 3) for a, b in pairwise(times)}
    assert steps == {0.1}, "the rounding of a date to the second is not seen"


@pytest.mark.parametrize("wrong", ["", "today", "Mon, 99 Foo 2026 99:00:00 GMT"])
def test_what_is_no_date_is_passed_over(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(FakeClock(NOON), 3, monkeypatch)
    machine.clock.hear(wrong)
    assert machine.clock.now() == NOON + timedelta(seconds=3)


def test_the_answers_of_a_client_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    clock = TableClock()
    client = clock.follow(aws.dynamodb_client())
    asked: dict[str, Any] = {"context": {}, "http_response": None}
    answer: dict[str, Any] = {"ResponseMetadata": {"HTTPHeaders": {"date": "Fri, 02 Jan 2099 12:00:00 GMT"}}}
    client.meta.events.emit("after-call.dynamodb.GetItem", parsed=answer, **asked)
    assert clock.now().year == 2099
    client.meta.events.emit("after-call.dynamodb.GetItem", parsed={}, **asked)
    assert clock.now().year == 2099


class Shared:
    """A table that two workers share."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOON)
        self.jobs = FakeJobStore()
        self.runs, self.job = FakeRunStore(self.jobs), self.jobs.create(make_queued_job())

    def claim(self, machine: Machine) -> Claim | Declined:
        machine.ask_table()  # as reading the job does
        return service.claim(
            JobMessage(job_id=self.job.id, generation=self.job.generation),
            receives=1,
            jobs=self.jobs,
            runs=self.runs,
            transcripts=FakeTranscriptStore(),
            clock=machine.clock,
            terms=LeaseTerms(120, 3),
        )


@pytest.mark.parametrize("first", [-600, 0, 600])
@pytest.mark.parametrize("second", [-600, 0, 600])
def test_a_lease_is_kept_and_ends_whatever_two_clocks_say(
    first: float, second: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Shared()
    with monkeypatch.context() as patch:
        claimed = table.claim(Machine(table.clock, first, patch))
    assert isinstance(claimed, Claim)
    table.clock.advance(115)
    other = Machine(table.clock, second, monkeypatch)
    assert isinstance(table.claim(other), Declined), "it is held"
    table.clock.advance(10)
    assert isinstance(table.claim(other), Claim), "its time is over"
    held = table.runs.get(table.job.id)
    assert isinstance(held, Run)
    assert held.attempt != claimed.run.attempt
