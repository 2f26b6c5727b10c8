"""Reads a recording ahead of who hears it: it is decoded and cut in a thread of its own while the engine works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Protocol, Self

from container.vad import Vad
from container.windows import Cut, Position, cut
from tiro.ports import PCM

PATIENCE = 0.2
"""Seconds after which a reader that nobody listens to looks whether anybody still will."""


class Sound(Protocol):
    """A recording that is open for decoding."""

    duration: float | None  # seconds, as its headers say

    @property
    def seconds(self) -> float:
        """Seconds of audio given out so far."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of it, once it is read."""
        ...

    def blocks(self) -> Iterator[PCM]: ...


Open = Callable[[], AbstractContextManager[Sound]]


class _Left(Exception):
    """Nobody wants the rest."""


class Reading:
    """The cuts of a recording, at most `ahead` of them waiting. A context; what the reader raises, `take` raises."""

    def __init__(self, open_sound: Open, vad: Vad, *, since: Position | None, ahead: int) -> None:
        self._open, self._vad, self._since = open_sound, vad, since
        self._cuts: queue.Queue[Cut | Exception | None] = queue.Queue(ahead)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reader", daemon=True)
        self.duration: float | None = None  # seconds, as the headers say, once they are read
        self.seconds = 0.0  # of audio in all, once it is over
        self.warnings: tuple[str, ...] = ()  # once it is over

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # Without waiting: it may hang in a read of the network, and closes what it opened when that ends.
        self._left.set()

    def take(self, *, wait: float) -> Cut | None:
        """Return the next cut, or None when the recording is over. Raises queue.Empty after `wait` seconds."""
        taken = self._cuts.get(timeout=wait)
        if isinstance(taken, Exception):
            raise taken
        return taken

    def _read(self) -> None:
        try:
            with self._open() as sound:
                self.duration = sound.duration
                for piece in cut(sound.blocks(), self._vad, self._since):
                    self._give(piece)
                self.seconds, self.warnings = sound.seconds, sound.warnings
            self._give(None)
        except _Left:
            pass
        except Exception as error:  # noqa: BLE001  (raised where the recording is heard)
            with suppress(_Left):
                self._give(error)

    def _give(self, what: Cut | Exception | None) -> None:
        while not self._left.is_set():
            try:
                return self._cuts.put(what, timeout=PATIENCE)
            except queue.Full:
                continue
        raise _Left
