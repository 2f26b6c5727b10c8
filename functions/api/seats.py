"""A call that waits for others takes a seat, of which there are so many for all callers together, and for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from functions import wiring
from tiro.errors import Throttled


@contextmanager
def seat(owner: str, until: datetime) -> Iterator[None]:
    """Hold a seat, until then at the most. Raises Throttled where none is left."""
    room = wiring.waiting_room()
    number = room.enter(owner, now=wiring.clock().now(), until=until)
    if number is None:
        raise Throttled("Too many calls wait for others just now. Try again in a moment.")
    try:
        yield
    finally:
        room.leave(number, until=until)
