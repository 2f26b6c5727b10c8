"""A silent decoder is judged by the processor time that it used, not by the clock of its host."""

from __future__ import annotations

import os
import time

from container.stall import PATIENCE, Stall, StallWatch, process_cpu_seconds


class Child:
    """A child process whose processor time a test sets."""

    def __init__(self) -> None:
        self.used: float | None = 0.0

    def __call__(self) -> float | None:
        return self.used


def wait(watch: StallWatch, child: Child, *, share: float, seconds: float) -> tuple[Stall | None, float]:
    """Let a child run for some seconds of wall time with a share of a core; return the verdict, and when it came."""
    waited = 0.0
    while waited < seconds:
        waited += 1
        if child.used is not None:
            child.used += share
        if verdict := watch.waited(1):
            return verdict, waited
    return None, waited


def test_a_child_that_uses_its_processor_time_is_busy_however_slow_the_host() -> None:
    for share in (1.0, 0.5, 0.25):
        child = Child()
        assert wait(StallWatch(child, 60), child, share=share, seconds=1e6) == (Stall.BUSY, 60 / share)


def test_a_child_without_processor_time_is_starved() -> None:
    for share in (0.0, 0.005):
        child = Child()
        assert wait(StallWatch(child, 60), child, share=share, seconds=1e6) == (Stall.STARVED, 60)


def test_a_child_with_little_processor_time_is_given_some_patience_and_then_counts_as_starved() -> None:
    child = Child()
    assert wait(StallWatch(child, 60), child, share=0.05, seconds=1e6) == (Stall.STARVED, 60 * PATIENCE)


def test_a_host_that_was_suspended_costs_the_child_one_wait() -> None:
    child = Child()
    watch = StallWatch(child, 60)
    assert watch.waited(8 * 3600) is None
    assert wait(watch, child, share=0, seconds=58) == (None, 58)


def test_sound_starts_the_count_over() -> None:
    child = Child()
    watch = StallWatch(child, 60)
    for _ in range(5):
        assert wait(watch, child, share=1, seconds=59) == (None, 59)
        watch.progressed(60)


def test_where_the_system_does_not_tell_processor_time_nothing_is_condemned() -> None:
    child = Child()
    child.used = None
    assert wait(StallWatch(child, 60), child, share=1, seconds=1e6) == (Stall.STARVED, 60)


def test_processor_time_is_read_of_a_process() -> None:
    before, own = process_cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() < own + 0.3:
        pass
    after = process_cpu_seconds(os.getpid())
    if before is None or after is None:
        assert process_cpu_seconds(2**30) is None  # this system has no /proc
    else:
        assert after - before > 0.2
    assert process_cpu_seconds(2**30) is None
