"""Recordings that come: the loads that a fleet of workers must stand."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HOUR = 3600.0

MEAN_AUDIO = 600.0
"""Seconds. Ten minutes is what everything else here is reckoned in, too."""

SIGMA = 1.0
"""Of the logarithm of a recording's length: half are under six minutes, one in a hundred over an hour."""


@dataclass(frozen=True)
class Recording:
    at: float  # seconds since the simulation began
    owner: str
    audio: float  # seconds


@dataclass(frozen=True, kw_only=True)
class Load:
    """A day of somebody's life, or an hour of everybody's."""

    name: str
    about: str
    hours: float
    max_workers: int
    come: Callable[[random.Random], Iterator[Recording]]
    drought: tuple[float, float] | None = None  # hours between which no Spot machine is to be had

    def recordings(self, seed: int) -> list[Recording]:
        chance = random.Random(seed)  # noqa: S311  (repeatable, not secret)
        return sorted(self.come(chance), key=lambda recording: recording.at)


def _at_a_rate(
    chance: random.Random, per_hour: Callable[[float], float], hours: float, owners: int
) -> Iterator[Recording]:
    """Draw a Poisson process whose rate changes, by thinning (Lewis and Shedler, 1979)."""
    most = max(per_hour(hour / 10) for hour in range(int(hours * 10) + 1))
    at = 0.0
    while (at := at + chance.expovariate(most) * HOUR) < hours * HOUR:
        if chance.random() * most < per_hour(at / HOUR):
            yield Recording(at, f"owner-{chance.randrange(owners)}", _length(chance))


def _length(chance: random.Random) -> float:
    return min(6 * HOUR, max(2.0, chance.lognormvariate(math.log(MEAN_AUDIO) - SIGMA**2 / 2, SIGMA)))


def _daily(hour: float) -> float:
    """Hardly anything at night, most after noon."""
    return 10 + 230 * max(0.0, math.sin((hour % 24 - 7) / 12 * math.pi))


def _flat(per_hour: float, hours: float, owners: int = 20) -> Callable[[random.Random], Iterator[Recording]]:
    return lambda chance: _at_a_rate(chance, lambda hour: per_hour, hours, owners)


def _rare(chance: random.Random) -> Iterator[Recording]:
    return _at_a_rate(chance, lambda hour: 0.25, 48, 3)


def _days(chance: random.Random) -> Iterator[Recording]:
    return _at_a_rate(chance, _daily, 48, 20)


def _burst(chance: random.Random) -> Iterator[Recording]:
    yield from _at_a_rate(chance, lambda hour: 30, 12, 20)
    for _ in range(10_000):
        yield Recording(HOUR + chance.uniform(0, 300), "archive", _length(chance))


def _flood(chance: random.Random) -> Iterator[Recording]:
    yield from _at_a_rate(chance, lambda hour: 60, 8, 20)
    for _ in range(6_000):
        yield Recording(HOUR + chance.uniform(0, 2 * HOUR), "flooder", _length(chance))


LOADS = (
    Load(name="rare", about="a recording every four hours", hours=48, max_workers=10, come=_rare),
    Load(name="steady", about="120 recordings an hour", hours=24, max_workers=10, come=_flat(120, 24)),
    Load(name="daily", about="10 an hour at night, 240 after noon", hours=48, max_workers=20, come=_days),
    Load(name="burst", about="10,000 files at once", hours=12, max_workers=100, come=_burst),
    Load(name="flood", about="one owner sends 6,000, twenty others 60 an hour", hours=8, max_workers=20, come=_flood),
    Load(
        name="drought",
        about="as daily, and on the second day no Spot machine from 10 to 16 o'clock",
        hours=48,
        max_workers=20,
        come=_days,
        drought=(34, 40),
    ),
)

MILLION = Load(
    name="million",
    about="an hour of 1,000,000 audio hours a day, from nothing",
    hours=1,
    max_workers=3000,
    come=_flat(1_000_000 / 24 / (MEAN_AUDIO / HOUR), 1, owners=5000),
)
"""Of its own, since it takes a minute."""
