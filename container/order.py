"""Puts what is heard of a recording back into the order of its clock: windows are done early and late."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from container.windows import Cut, Position
from tiro.transcript import DroppedSegment, Segment


@dataclass
class _Piece:
    """A cut, and what came of it so far."""

    rest: Position
    open: int  # attempts without an answer
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True)
class Settled:
    """What was heard of some cuts in a row, for good."""

    rest: Position  # where the next begins
    segments: tuple[Segment, ...]
    dropped: tuple[DroppedSegment, ...]


class Order:
    """The cuts that are being heard. Each is named by a number, which rises."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()
        self._first = 0  # the number of the earliest of them

    def add(self, piece: Cut) -> int:
        """Take a cut; a window is one attempt so far, and silence is settled at once."""
        self._pieces.append(_Piece(piece.rest, open=int(piece.window is not None)))
        return self._first + len(self._pieces) - 1

    def note(self, number: int, segments: Sequence[Segment], again: int) -> None:
        """An attempt at a cut was answered, and so many new ones are needed."""
        piece = self._pieces[number - self._first]
        piece.open += again - 1
        piece.segments += segments

    @property
    def held_up(self) -> int:
        """How many cuts are behind the earliest that is not settled."""
        return max(0, len(self._pieces) - 1)

    def settled(self) -> Settled | None:
        """Take out what is settled up to the first cut that is not."""
        segments: list[Segment] = []
        rest = None
        while self._pieces and not self._pieces[0].open:
            piece = self._pieces.popleft()
            self._first += 1
            rest = piece.rest
            segments += sorted(piece.segments, key=lambda segment: (segment.start, segment.end))
        if rest is None:
            return None
        return Settled(
            rest,
            tuple(s for s in segments if not isinstance(s, DroppedSegment)),
            tuple(s for s in segments if isinstance(s, DroppedSegment)),
        )
