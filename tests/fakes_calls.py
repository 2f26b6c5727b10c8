"""Calls that may come again and calls that are held open, in memory."""

from __future__ import annotations

from datetime import datetime

from tiro.call import Call


class FakeCallStore:
    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}

    def get(self, name: str) -> Call | None:
        return self.calls.get(name)

    def save(self, name: str, before: Call | None, after: Call) -> bool:
        stored = self.calls.get(name)
        if (stored and stored.revision) != (before and before.revision):
            return stored == after
        self.calls[name] = after
        return True

    def forget(self, name: str, call: Call) -> None:
        if self.calls.get(name) == call:
            del self.calls[name]


class FakeWaitingRoom:
    def __init__(self, seats: int) -> None:
        self._held: list[datetime | None] = [None] * seats

    def enter(self, *, now: datetime, until: datetime) -> int | None:
        for seat, held in enumerate(self._held):
            if held is None or held <= now:
                self._held[seat] = until
                return seat
        return None

    def leave(self, seat: int, *, until: datetime) -> None:
        if self._held[seat] == until:
            self._held[seat] = None
