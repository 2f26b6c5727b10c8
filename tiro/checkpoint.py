"""What is known of a recording before it is heard to its end, so that nobody need hear it twice."""

from __future__ import annotations

from collections.abc import Iterable

from tiro.stored import StoredModel as _Model
from tiro.transcript import DroppedSegment, Engine, Segment


class Stretch(_Model):
    """A part of a recording that is heard for good, in seconds of what is to be heard of it."""

    start: float  # where the one before it ends
    end: float  # nothing that lies before it is heard again
    anew: bool = False  # whether it is the first: what was heard before it, by another engine, is forgotten
    segments: tuple[Segment, ...] = ()
    dropped: tuple[DroppedSegment, ...] = ()
    language: str = ""  # BCP 47, as far as it is known
    engine: Engine  # that heard it: no other may go on here
    resume: str = ""  # what a transcriber must know to go on; its own affair

    def then(self, following: Stretch) -> Stretch:
        """Return both as one."""
        return following.model_copy(
            update={
                "start": self.start,
                "anew": self.anew,
                "segments": self.segments + following.segments,
                "dropped": self.dropped + following.dropped,
            }
        )


class Written(_Model):
    """So many parts of a checkpoint were written by one attempt."""

    attempt: str
    parts: int


Trail = tuple[Written, ...]
"""Which parts there are, in the order in which the attempts wrote them. No other part counts."""


def unbroken(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Return what counts of stretches in the order in which they were written."""
    kept: list[Stretch] = []
    for stretch in stretches:
        if stretch.anew:
            kept.clear()
        kept.append(stretch)
    return tuple(kept)
