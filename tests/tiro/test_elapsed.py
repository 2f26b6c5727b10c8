"""No duration runs backwards, whatever the clocks of the machines say that began and ended it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories import NOW, make_media, make_queued_job, make_ref, make_run, make_transcript
from tests.fakes import FakeClock, FakeTranscriber
from tests.house import House
from tiro.delivery import event_of
from tiro.details import Circumstances
from tiro.elapsed import TOLERATED, elapsed, elapsed_ms, skew
from tiro.errors import NotAudio
from tiro.job import Job, JobStatus, view
from tiro.message import JobMessage
from tiro.service import Claim

LATER, EARLIER = NOW + timedelta(seconds=3), NOW - timedelta(seconds=3)


@dataclass
class Off(FakeClock):
    """Another machine's clock, which is off by some seconds."""

    true: FakeClock
    seconds: float

    def now(self) -> datetime:
        return self.true.now() + timedelta(seconds=self.seconds)

    def entropy(self) -> bytes:
        return self.true.entropy()


def test_what_ends_before_it_begins_took_no_time() -> None:
    assert (elapsed(NOW, LATER), elapsed(NOW, EARLIER)) == (timedelta(seconds=3), timedelta())
    assert (elapsed_ms(NOW, LATER), elapsed_ms(NOW, EARLIER)) == (3000, 0)
    assert elapsed_ms(None, NOW) is elapsed_ms(NOW, None) is None
    assert (skew(NOW, LATER), skew(NOW, EARLIER)) == (timedelta(), timedelta(seconds=3))


@pytest.mark.parametrize("ready_at", [EARLIER - timedelta(hours=1), EARLIER, LATER])
def test_a_claim_by_a_clock_that_is_behind(ready_at: datetime) -> None:
    """The cold start was cut to the wait, and so became negative with it."""
    timings = make_queued_job().model_copy(update={"queued_at": NOW}).claimed(at=EARLIER, ready_at=ready_at).timings
    assert (timings.queued_ms, timings.cold_start_ms) == (0, 0)


def test_an_end_by_another_clock() -> None:
    """A caller cancels what a worker began: the function's clock ends what the table's began."""
    cancelled = make_queued_job().claimed(at=NOW).cancelled(at=EARLIER)
    assert cancelled.timings.processing_ms == 0


def test_an_eta_does_not_grow_because_the_asking_clock_is_behind() -> None:
    job = make_queued_job(media=make_media(duration=100.0)).claimed(at=NOW)
    run = make_run(done=25.0, total=100.0, noted_at=NOW + timedelta(seconds=5))
    asked = [view(job, run, around=Circumstances(NOW + timedelta(seconds=at))).progress for at in (-60, 5, 7, 999)]
    assert [progress and progress.eta_seconds for progress in asked] == [15.0, 15.0, 13.0, 0.0]


def test_a_pace_is_not_negative() -> None:
    before = make_queued_job().claimed(at=NOW)
    event = event_of(before, before.completed(at=EARLIER, transcript=make_ref()))
    assert event
    assert event.worked_seconds == 0.0


def told(house: House, name: str) -> list[float]:
    return [line[name] for line in house.metrics if name in line]


@pytest.mark.parametrize("behind", [-30.0, -1.0, 0.0, 0.4, 1.0, 5.0, 600.0])
def test_a_worker_whose_clock_is_behind_the_api_s(behind: float) -> None:
    clock = FakeClock()
    house = House(clock=clock, worker_clock=Off(clock, -behind))
    house.drop("inbox/ada/a.mp3")
    clock.advance(0.2)  # a warm worker
    house.work()
    [job] = house.jobs.jobs.values()
    assert job.status is JobStatus.COMPLETED
    late = max(0, round((0.2 - behind) * 1000))
    assert (job.timings.queued_ms, told(house, "QueueWait")) == (late, [late])
    by = round((behind - 0.2) * 1000)
    assert told(house, "ClockSkew") == ([by] if by > 0 else []), "zero is told with its reason"
    warned = [line["seconds"] for line in house.log if line["event"] == "clocks differ"]
    assert warned == ([by / 1000] if by / 1000 > TOLERATED.total_seconds() else [])


@pytest.mark.parametrize("seed", range(150))
def test_whatever_the_clocks_say_nothing_is_shown_below_zero(seed: int) -> None:
    """Jobs are queued, claimed, given back, cancelled, failed and completed by machines whose clocks differ."""
    dice = random.Random(seed)  # noqa: S311
    clock = FakeClock()
    worker = Off(clock, dice.choice([-1, 1]) * dice.choice([0.0, 0.3, 2.0, 45.0]))
    house = House(clock=clock, worker_clock=worker, transcriber=FakeTranscriber(NotAudio(), make_transcript()))
    for number in range(3):
        job = house.drop(f"inbox/ada/{number}.mp3")
        for _ in range(dice.randrange(1, 4)):
            clock.advance(dice.choice([0.0, 0.05, 1.0, 20.0]))
            worker.seconds += dice.choice([0.0, 0.0, -3.0, 3.0])  # it is set
            _step(dice.choice(["work", "claim", "cancel", "delete"]), house, job)
            _check(house, house.jobs.jobs[job.id], dice)
    assert all(value >= 0 for line in house.metrics for value in line.values() if isinstance(value, int | float))


def _step(what: str, house: House, job: Job) -> None:
    now = house.jobs.jobs[job.id]
    if what == "work":
        house.work()
    elif what == "claim" and now.status is JobStatus.QUEUED:
        claim = house.claim(JobMessage.of(now))
        if isinstance(claim, Claim):
            house.runs.renew(job.id, claim.run.model_copy(update={"noted_at": house.clock.now(), "done": 3.0}))
    elif what == "cancel" and not now.status.terminal:
        house.cancel(now)


def _check(house: House, job: Job, dice: random.Random) -> None:
    asked_at = house.clock.now() + timedelta(seconds=dice.choice([-60, 0, 60]))
    seen = view(job, house.runs.get(job.id), around=Circumstances(asked_at, usd_per_worker_hour=1.0))
    shown: dict[str, Any] = {**seen.timings.model_dump()} if seen.timings else {}
    shown |= {"cost": seen.cost_usd, "eta": seen.progress and seen.progress.eta_seconds}
    assert all(value is None or value >= 0 for value in shown.values()), shown
    assert (shown["cold_start_ms"] or 0) <= (shown["queued_ms"] or 0)


def test_the_clock_of_the_tests_is_off() -> None:
    assert Off(FakeClock(datetime(2026, 1, 1, tzinfo=UTC)), -5).now() == datetime(2025, 12, 31, 23, 59, 55, tzinfo=UTC)
