"""Workers in memory, that come when a test says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes import FakeClock
from tiro.dispatch import Launch, Market, Refusal, Why, Worker
from tiro.handling import Priority
from tiro.pace import Depth
from tiro.ports import Fleet


@dataclass
class FakeWorkerFleet:
    clock: FakeClock
    refuse: dict[Market, Why] = field(default_factory=dict)  # what is refused on the spot
    running: list[Worker] = field(default_factory=list)
    pending: list[Worker] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)  # id -> why
    asked: int = 0

    def look(self) -> Fleet:
        return Fleet(list(self.running), list(self.pending), list(self.refusals))

    def launch(self, launch: Launch) -> Sequence[Refusal]:
        self.launches.append(launch)
        if why := self.refuse.get(launch.market):
            return [Refusal(market=launch.market, why=why, words=f"{why}, it says", at=self.clock.now())]
        for _ in range(launch.count):
            self.asked += 1
            self.pending.append(Worker(id=f"worker-{self.asked}", market=launch.market, asked_at=self.clock.now()))
        return []

    def stop(self, ids: Collection[str], *, why: str) -> None:
        self.stopped |= dict.fromkeys(ids, why)
        self.running = [worker for worker in self.running if worker.id not in ids]
        self.pending = [worker for worker in self.pending if worker.id not in ids]

    def come(self) -> None:
        """Let all come that were asked for."""
        self.running, self.pending = self.running + self.pending, []


@dataclass
class FakeGauge:
    waiting: int = 0
    in_hand: int = 0
    may_wait: int = 0  # of low priority

    def depth(self, priority: Priority) -> Depth:
        return Depth(self.waiting, self.in_hand) if priority is Priority.INTERACTIVE else Depth(self.may_wait)


@dataclass
class FakeLengthStore:
    mean_seconds: float | None = None

    def get(self) -> float | None:
        return self.mean_seconds

    def put(self, mean_seconds: float) -> None:
        self.mean_seconds = mean_seconds


@dataclass
class FakeLaunchStore:
    asked_at: datetime | None = None

    def note(self, at: datetime, *, unless_since: datetime) -> bool:
        if self.asked_at and self.asked_at >= unless_since:
            return False
        self.asked_at = at
        return True
