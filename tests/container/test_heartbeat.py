"""A heartbeat keeps a job in one worker's hands, and brings back that it is not any more."""

from __future__ import annotations

import threading

import pytest

from container.heartbeat import JITTER, Heartbeat, pause
from tests.factories import make_run
from tiro.errors import Interrupted, LeaseLost, ServiceUnavailable
from tiro.job import Run


def beating(renew: object, stopping: threading.Event | None = None) -> Heartbeat:
    return Heartbeat(
        make_run(),
        renew,  # type: ignore[arg-type]
        every=0.001,
        stopping=stopping or threading.Event(),
        log=lambda *_, **__: None,
    )


def work(heartbeat: Heartbeat) -> None:
    """Go on until somebody says that it is enough."""
    while True:
        heartbeat.progress(1.0, None)


def test_workers_begun_together_do_not_beat_together() -> None:
    assert pause(20, 0) == 20, "never later than it was promised"
    assert pause(20, 1) == 20 * (1 - JITTER)
    assert len({pause(20, spread / 10) for spread in range(10)}) == 10


def test_each_beat_carries_how_far_the_work_is() -> None:
    seen, told = list[Run](), threading.Event()

    def renew(run: Run) -> None:
        seen.append(run)
        if run.done == 30.0:
            told.set()

    with beating(renew) as heartbeat:
        heartbeat.progress(30.0, 60.0)
        assert told.wait(10)
    assert (seen[-1].done, seen[-1].total, seen[-1].attempt) == (30.0, 60.0, make_run().attempt)


@pytest.mark.parametrize("total", [float("inf"), float("nan")])
def test_a_total_that_is_no_number_is_not_known(total: float) -> None:
    """A lease takes finite numbers only: one that is none would fail every beat, and so lose the job."""
    seen: list[Run] = []
    with beating(seen.append) as heartbeat:
        heartbeat.progress(30.0, total)
        heartbeat.note(())
    assert (seen[-1].done, seen[-1].total) == (30.0, make_run().total)


@pytest.mark.parametrize("trouble", [ServiceUnavailable(), RuntimeError("a bug of ours")])
def test_whatever_a_beat_meets_the_next_one_comes(trouble: Exception) -> None:
    beats = threading.Semaphore(0)

    def renew(_: Run) -> None:
        beats.release()
        raise trouble

    with beating(renew) as heartbeat:
        for _ in range(3):
            assert beats.acquire(timeout=10)
        heartbeat.progress(1.0, None)


def test_a_lost_lease_or_a_cancellation_is_heard_at_the_next_progress() -> None:
    lost = threading.Event()

    def renew(_: Run) -> None:
        lost.set()
        raise LeaseLost

    with beating(renew) as heartbeat:
        assert lost.wait(10)
        with pytest.raises(LeaseLost):
            work(heartbeat)


def test_a_worker_that_stops_is_heard_of_at_the_next_progress() -> None:
    stopping = threading.Event()
    with beating(lambda _: None, stopping) as heartbeat:
        heartbeat.progress(1.0, None)
        stopping.set()
        with pytest.raises(Interrupted):
            heartbeat.progress(2.0, None)
