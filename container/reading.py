"""Reads a recording ahead of who hears it: it is decoded and cut in a thread of its own while the engine works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from heapq import merge
from types import TracebackType
from typing import Protocol, Self

from container.vad import Vad
from container.windows import BEGINNING, Cut, Position, Window, cut
from tiro.ports import PCM, SAMPLE_RATE

PATIENCE = 0.2
"""Seconds after which a reader that nobody listens to looks whether anybody still will."""


class Sound(Protocol):
    """A recording, or one of its channels, that is open for decoding."""

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


Open = Callable[[ExitStack, Callable[[], bool]], Mapping[str, Sound]]
"""Opens a recording: each of its channels by its label, or "" for the mix of all. Once the second
argument returns True, the result is not needed any more."""

Rest = Mapping[str, Position]
"""From where each channel can be cut on; one that is not named has not been begun."""


@dataclass(frozen=True)
class Piece:
    """What was cut off a recording next, in the order of its clock: a window, or (None) a while of silence."""

    window: Window | None
    rest: Rest
    start: float  # seconds


def pieces(sounds: Mapping[str, Sound], vad: Vad, since: Rest) -> Iterator[Piece]:
    """Yield the windows of all channels in the order in which they begin."""

    def cuts(channel: str) -> Iterator[tuple[int, str, Cut]]:
        at = since.get(channel, BEGINNING)
        for each in cut(sounds[channel].blocks(), vad, at):
            at = each.rest
            yield each.window.start if each.window else at.base, channel, each
        if len(sounds) > 1:  # a channel that is over must not hold up how far the recording is done
            yield at.base, channel, Cut(None, replace(at, over=True))

    rest = dict(since)
    for start, channel, each in merge(*map(cuts, sounds), key=lambda found: found[0]):
        rest = {**rest, channel: each.rest}
        yield Piece(each.window and replace(each.window, channel=channel or None), rest, start / SAMPLE_RATE)


class _Left(Exception):
    """Nobody wants the rest."""


class Reading:
    """The pieces of a recording, at most `ahead` of them waiting. A context; what the reader raises, `take` raises."""

    def __init__(self, open_sounds: Open, vad: Vad, *, since: Rest, ahead: int) -> None:
        self._open, self._vad, self._since = open_sounds, vad, since
        self._pieces: queue.Queue[Piece | Exception | None] = queue.Queue(ahead)
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

    def take(self, *, wait: float) -> Piece | None:
        """Return the next piece, or None when the recording is over. Raises queue.Empty after `wait` seconds."""
        taken = self._pieces.get(timeout=wait)
        if isinstance(taken, Exception):
            raise taken
        return taken

    def _read(self) -> None:
        with suppress(_Left):
            try:
                with ExitStack() as stack:
                    sounds = self._open(stack, self._left.is_set)
                    self.duration = max((s.duration for s in sounds.values() if s.duration), default=None)
                    for piece in pieces(sounds, self._vad, self._since):
                        self._give(piece)
                    self.seconds = max(sound.seconds for sound in sounds.values())
                    warnings = (warning for sound in sounds.values() for warning in sound.warnings)
                    self.warnings = tuple(dict.fromkeys(warnings))  # each once: channels of one track have the same
                self._give(None)
            except _Left:
                raise
            except Exception as error:  # noqa: BLE001  (raised where the recording is heard)
                self._give(error)

    def _give(self, what: Piece | Exception | None) -> None:
        while not self._left.is_set():
            try:
                return self._pieces.put(what, timeout=PATIENCE)
            except queue.Full:
                continue
        raise _Left
