"""Tells a decoder that computes without result from one that gets no processor time.

The first fails its recording for good, so it is judged by the processor time that the child process used. A wall
clock alone would condemn a good recording on a slow, overloaded or suspended host.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

SLICE = 1.0
"""Seconds of one wait. A longer one counts as this much: the host was suspended, and the child with it."""

STARVED = 0.01
"""Share of the wait below which a child that used so little processor time counts as stopped or blocked."""

PATIENCE = 10
"""A child that computes, but on a slow host, may be silent for this many times as long as a stopped one."""


class Stall(Enum):
    """Why a silent child is given up."""

    BUSY = auto()  # it used its processor time without result
    STARVED = auto()  # it got no processor time, or waits for something that never comes


class StallWatch:
    """Judges a child process that sends no sound.

    `cpu_seconds` returns the processor time that the child has used, or None where the system does not say; such a
    child is never BUSY. `seconds` is the processor time that it may use between two blocks of sound.
    """

    def __init__(self, cpu_seconds: Callable[[], float | None], seconds: float) -> None:
        self._cpu_seconds = cpu_seconds
        self.progressed(seconds)

    def progressed(self, seconds: float) -> None:
        """Start over: the child sent sound, and may use `seconds` of processor time until the next."""
        self.limit, self._waited, self._cpu = seconds, 0.0, self._cpu_seconds()

    @property
    def slice(self) -> float:
        """Seconds to wait before asking for the next verdict."""
        return min(SLICE, self.limit / 5)

    def waited(self, seconds: float) -> Stall | None:
        """Count one wait for the child. Return why it must be given up, or None while it may go on."""
        self._waited += min(seconds, self.slice)
        return self.verdict()

    def verdict(self) -> Stall | None:
        used = self._used()
        if used >= self.limit:
            return Stall.BUSY
        stopped = self._waited >= self.limit and used < STARVED * self._waited
        return Stall.STARVED if stopped or self._waited >= PATIENCE * self.limit else None

    def _used(self) -> float:
        now = self._cpu_seconds()
        return 0.0 if now is None or self._cpu is None else now - self._cpu


def process_cpu_seconds(pid: int) -> float | None:
    """Return the processor time that a process and its threads have used, or None on a system without /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    user, system = text.rpartition(")")[2].split()[11:13]  # utime and stime, proc_pid_stat(5)
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
