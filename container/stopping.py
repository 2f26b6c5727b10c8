"""Why a worker is to stop, once it is: whoever notices first says so, and everybody else looks here."""

from __future__ import annotations

import signal
import threading
from enum import StrEnum
from types import FrameType


class Reason(StrEnum):
    SIGNAL = "signal"  # SIGTERM: ECS stops the task, which is also how it hands on a Spot notice
    SPOT = "spot"  # the machine is taken back
    POISON = "poison"  # the engine is out of order, or stands still


class Stopping(threading.Event):
    """Set once the worker is to take no more, give back what it holds, and end. The first reason stays."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = Reason.SIGNAL

    def ask(self, reason: Reason) -> None:
        if not self.is_set():
            self.reason = reason
            self.set()

    @property
    def status(self) -> int:
        """The exit status: not 0 where somebody should look at what happened (sysexits.h: EX_SOFTWARE)."""
        return 70 if self.is_set() and self.reason is Reason.POISON else 0

    def on_signals(self) -> None:
        """Stop at SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        # By a thread: the main one may be inside this very event's lock, and would wait for itself.
        threading.Thread(target=self.ask, args=(Reason.SIGNAL,), name="signal").start()
