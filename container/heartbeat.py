"""Keeps a job in this worker's hands: a thread that renews lease and visibility, and carries the progress."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from container.log import Log
from tiro.checkpoint import Trail
from tiro.errors import Interrupted, LeaseLost, TransientError
from tiro.job import Run

JITTER = 0.2
"""A beat comes up to so much of its time earlier, so that workers begun together do not beat together."""


class Heartbeat:
    """A context that calls `renew(run)` every `every` seconds, or a little more often, until it is left.

    `progress` notes how far the work is, and is how the work hears that it should stop: because the lease is lost
    (to another attempt, or to a cancellation, which ends it), or because the worker stops.
    """

    def __init__(
        self, run: Run, renew: Callable[[Run], None], *, every: float, stopping: threading.Event, log: Log
    ) -> None:
        self._run, self._renew, self._every, self._stopping, self._log = run, renew, every, stopping, log
        self._lost: LeaseLost | None = None
        self._left = threading.Event()
        self._beating = threading.Lock()
        self._thread = threading.Thread(target=self._beat_until_left, name="heartbeat", daemon=True)

    def progress(self, done: float, total: float | None) -> None:
        """`done` and `total` are seconds of audio. Raises LeaseLost or Interrupted."""
        known = total if total and math.isfinite(total) else self._run.total  # a lease takes finite numbers only
        self._run = self._run.model_copy(update={"done": done, "total": known})
        if self._lost:
            raise self._lost
        if self._stopping.is_set():
            raise Interrupted("The worker is being stopped; the job goes back to the queue.")

    def note(self, checkpoint: Trail) -> None:
        """Carry a longer trail into the lease, at once; if that cannot be, with the next beat. Raises LeaseLost."""
        self._run = self._run.model_copy(update={"checkpoint": checkpoint})
        try:
            self._beat()
        except TransientError as error:
            self._log("heartbeat failed", attempt=self._run.attempt, error=error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._left.set()
        self._thread.join()

    def _beat_until_left(self) -> None:
        while not self._left.wait(pause(self._every, random.random())):  # noqa: S311  (nobody's secret)
            try:
                self._beat()
            except LeaseLost as lost:
                self._lost = lost
                return
            except Exception as error:  # noqa: BLE001  (the next beat may succeed, and the fence holds if none does)
                self._log("heartbeat failed", attempt=self._run.attempt, error=error)

    def _beat(self) -> None:
        with self._beating:  # or an older run might be written over a newer one
            self._renew(self._run)


def pause(every: float, spread: float) -> float:
    """Return the seconds until the next beat; `spread` is 0 to 1, drawn anew for each."""
    return every * (1 - JITTER * spread)
