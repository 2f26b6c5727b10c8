"""Puts what is heard of a recording back into the order of its clock: windows are done early and late."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from container.batching import Answer
from container.reading import Piece
from container.tongue import Vote
from tiro.transcript import Segment


@dataclass
class Pending:
    """A piece, and what came of it so far."""

    piece: Piece
    open: int  # attempts without an answer
    segments: list[Segment] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)


class Order:
    """The pieces that are being heard. Each is named by a number, which rises."""

    def __init__(self) -> None:
        self._pending: deque[Pending] = deque()
        self._first = 0  # the number of the earliest of them

    def add(self, piece: Piece, attempts: int) -> int:
        """Take a piece, at which so many attempts are to be made. Silence needs none, and is settled at once."""
        self._pending.append(Pending(piece, attempts))
        return self._first + len(self._pending) - 1

    def note(self, answer: Answer) -> None:
        """An attempt at a piece was answered; new ones may be needed."""
        pending = self._pending[answer.task.root - self._first]
        pending.open += len(answer.outcome.again) - 1
        pending.segments += answer.outcome.segments
        pending.votes += [answer.vote] if answer.vote else []

    @property
    def empty(self) -> bool:
        return not self._pending

    @property
    def held_up(self) -> int:
        """How many pieces are behind the earliest that is not settled."""
        return max(0, len(self._pending) - 1)

    def settled(self) -> list[Pending]:
        """Take out what is settled up to the first piece that is not."""
        settled = []
        while self._pending and not self._pending[0].open:
            pending = self._pending.popleft()
            pending.segments.sort(key=lambda segment: (segment.start, segment.end, segment.text))
            pending.votes.sort(key=lambda vote: (vote.speech, sorted(vote.chances.items())))  # so that sums are equal
            settled.append(pending)
        self._first += len(settled)
        return settled
