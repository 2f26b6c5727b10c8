"""How fast the work goes, in memory."""

from __future__ import annotations

from datetime import datetime

from tiro.pace import Pace, hours_of


class FakePaceStore:
    def __init__(self) -> None:
        self._noted: list[tuple[str, float]] = []

    def note(self, seconds: float, *, at: datetime) -> None:
        self._noted.append((hours_of(at)[0], seconds))

    def lately(self, *, at: datetime) -> Pace:
        worked = [seconds for hour, seconds in self._noted if hour in hours_of(at)]
        return Pace(len(worked), round(sum(worked), 3))
