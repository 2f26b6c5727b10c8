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
    def __init__(self, seats: int, each: int) -> None:
        self._seats, self._each, self._held = seats, each, dict[int, tuple[str, datetime]]()

    def enter(self, owner: str, *, now: datetime, until: datetime) -> int | None:
        self._held = {seat: held for seat, held in self._held.items() if held[1] > now}
        free = [seat for seat in range(self._seats) if seat not in self._held]
        if not free or [other for other, _ in self._held.values()].count(owner) >= self._each:
            return None
        self._held[free[0]] = owner, until
        return free[0]

    def leave(self, seat: int, *, until: datetime) -> None:
        if seat in self._held and self._held[seat][1] == until:
            del self._held[seat]
