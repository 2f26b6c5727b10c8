"""The last of a fleet: asked until it is gone, or until there is no time left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes import FakeClock
from tiro.service import drain


@dataclass
class Leaving:
    """A crew of which one is gone at every look."""

    left: int
    told: list[str] = field(default_factory=list)

    def stop_all(self, *, why: str) -> None:
        self.told.append(why)
        self.left = max(0, self.left - 1)

    def machines(self) -> int:
        return self.left


def test_it_waits_for_the_last_machine() -> None:
    clock, crew = FakeClock(), Leaving(3)
    assert drain(crew, clock=clock, until=clock.now() + timedelta(minutes=13), sleep=clock.advance) == 0
    assert len(crew.told) == 3  # and again at every look: a dispatcher that was at work may have asked for one more


def test_it_says_how_many_are_left_when_time_is_up() -> None:
    clock, crew = FakeClock(), Leaving(100)
    assert drain(crew, clock=clock, until=clock.now() + timedelta(seconds=25), sleep=clock.advance) == 96
