"""Calls that may come again, and calls that are held open."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tiro.call import Call


class CallStore(Protocol):
    """Calls with an Idempotency-Key. Each is forgotten some time after it expired."""

    def get(self, name: str) -> Call | None: ...

    def save(self, name: str, before: Call | None, after: Call) -> bool:
        """Store `after`, if `before` is still what is stored; return whether it is."""
        ...

    def forget(self, name: str, call: Call) -> None:
        """Remove a call, if it is still what is stored."""
        ...


class WaitingRoom(Protocol):
    """A number of seats, so that calls which wait cannot take every function there is. An owner has a share of them."""

    def enter(self, owner: str, *, now: datetime, until: datetime) -> int | None:
        """Take a seat until then; None when none was found."""
        ...

    def leave(self, seat: int, *, until: datetime) -> None:
        """Give a seat back that was taken until then."""
        ...
