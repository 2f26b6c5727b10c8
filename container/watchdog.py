"""Ends the process when its work stands still: a heartbeat of its own would keep a wedged GPU's job for ever.

Whatever is watched must move now and then. Its age, the time since it last did, is also the age of the health file
(container/health.py), so that both mean the same by life. A thread that holds Python's lock for ever stops this one
too; then `faulthandler`'s, which needs no lock, ends the process.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from container.log import Log

STATUS = 70
"""Of the process, when it is ended here (sysexits.h: EX_SOFTWARE)."""

LAST_WORDS_SECONDS = 10.0
"""What is in hand may be given back for so long; then the leases run out by themselves."""

LOOKS = 20
"""In the time that work may stand still."""

STILL = 0.5
"""Of that time: what moved since then is well. An engine that hangs holds all up who wait for it, one within seconds of
the other, and does not say at whose windows."""


class Watch:
    """One piece of work. `moved()` says that it has."""

    def __init__(self, name: str, let_go: Callable[[bool], object], clock: Callable[[], float]) -> None:
        self.name, self.let_go, self._clock = name, let_go, clock
        self.moved()

    def moved(self) -> None:
        self._at = self._clock()

    @property
    def age(self) -> float:
        """Seconds since it moved."""
        return self._clock() - self._at


class Watchdog:
    """A context: its thread looks after all that is watched. `seconds` of standing still are the end."""

    def __init__(
        self,
        seconds: float,
        *,
        log: Log,
        health_file: str = "",
        end: Callable[[int], object] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._log, self._end, self._clock = seconds, log, end, clock
        self._health_file = Path(health_file) if health_file else None
        self._lock = threading.Lock()
        self._left = threading.Event()
        self._idle = Watch("idle", lambda _: None, clock)
        self._watches: set[Watch] = set()
        self._thread = threading.Thread(target=self._look_until_left, name="watchdog", daemon=True)

    @contextmanager
    def watch(self, name: str, let_go: Callable[[bool], object]) -> Iterator[Watch]:
        """Watch a piece of work until the context is left. `let_go` gives it back if any stands still for too long.

        It is told whether this one does.
        """
        watch = Watch(name, let_go, self._clock)
        with self._lock:
            self._watches.add(watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.discard(watch)
            self._idle.moved()

    def moved(self) -> None:
        """Say that the worker is alive. With work in hand its health is as old as that, whatever else moves."""
        self._idle.moved()
        with self._lock:
            watched = bool(self._watches)
        if not watched:
            self._tell(0)

    def look(self) -> None:
        """See to it that all moves; end the process if something does not."""
        with self._lock:
            watches = list(self._watches)
        self._tell(max((watch.age for watch in watches), default=self._idle.age))
        stuck = [watch for watch in watches or [self._idle] if watch.age >= self._seconds]
        if not stuck:
            return
        for watch in stuck:
            self._log("stands still", work=watch.name, seconds=round(watch.age, 1))
        self._let_go(watches)
        self._end(STATUS)

    def __enter__(self) -> Self:
        self.moved()
        self._arm()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._left.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def _look_until_left(self) -> None:
        while not self._left.wait(self._seconds / LOOKS):
            self._arm()
            self.look()

    def _arm(self) -> None:
        """Have the process ended if this is not called again in time, whoever holds Python's lock."""
        with suppress(ValueError, OSError):  # a standard error that is no file
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=sys.__stderr__ or sys.stderr)

    def _let_go(self, watches: list[Watch]) -> None:
        """All at once, each by a thread of its own: whatever blocks the work may block this too."""
        still = {watch: watch.age >= STILL * self._seconds for watch in watches}
        threads = [threading.Thread(target=self._try_to_let_go, args=each, daemon=True) for each in still.items()]
        for thread in threads:
            thread.start()
        until = time.monotonic() + LAST_WORDS_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _try_to_let_go(self, watch: Watch, still: bool) -> None:
        try:
            watch.let_go(still)
        except Exception as error:  # noqa: BLE001  (the process ends whatever it was; the lease runs out by itself)
            self._log("could not give back", work=watch.name, error=error)

    def _tell(self, age: float) -> None:
        if self._health_file:
            at = time.time() - age
            try:
                self._health_file.touch()
                os.utime(self._health_file, (at, at))
            except OSError as error:  # a full disk is no reason to stop hearing
                self._log("health file", error=error)
