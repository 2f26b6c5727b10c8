"""Which jobs are in a worker's hands together: any number, or one alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext


class Company:
    """Who wants to be alone waits until all others have left, and nobody joins meanwhile. For any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._present = 0
        self._wanting = 0  # to be alone; whoever is alone among them

    @property
    def closed(self) -> bool:
        """Whether somebody is alone, or waits for it."""
        return self._wanting > 0

    @contextmanager
    def joined(self) -> Iterator[bool]:
        """Join until the context is left; yield False, and do not, where it is closed."""
        with self._changed:
            joined = not self._wanting
            self._present += joined
        with self._presence() if joined else nullcontext():
            yield joined

    @contextmanager
    def alone(self, meanwhile: Callable[[], object], *, every: float) -> Iterator[None]:
        """Be alone until the context is left. `meanwhile` is called every so many seconds of waiting, and may raise."""
        with self._changed:
            self._wanting += 1
        try:
            while not self._entered(every):
                meanwhile()
            with self._presence():
                yield
        finally:
            with self._changed:
                self._wanting -= 1

    def _entered(self, seconds: float) -> bool:
        with self._changed:
            empty = self._changed.wait_for(lambda: self._present == 0, seconds)
            self._present += empty
            return empty

    @contextmanager
    def _presence(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._changed:
                self._present -= 1
                self._changed.notify_all()
