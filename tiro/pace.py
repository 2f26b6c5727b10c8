"""How fast the work goes, and so how long a job waits for its turn. A guess, and it says what it stands on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

WAIT_BASIS = "the queue's length, the workers at it, and what a job took in these two hours"


@dataclass(frozen=True)
class Depth:
    """What SQS says of a queue, about."""

    waiting: int = 0
    in_hand: int = 0  # of workers: one each


@dataclass(frozen=True)
class Pace:
    """What workers did lately."""

    jobs: int = 0
    seconds: float = 0.0  # that they worked on these, all together


def estimate_wait(ahead: int, in_hand: int, pace: Pace) -> float | None:
    """Return seconds until a job's turn, with at most so many ahead; None where nothing was done lately.

    Where nobody works, one worker is taken to come at once: how long a machine takes to start, only it will tell.
    """
    if not pace.jobs:
        return None
    return round(max(0, ahead) / max(1, in_hand) * pace.seconds / pace.jobs, 1)


def hours_of(at: datetime) -> tuple[str, str]:
    """Name the hour of a time and the one before: pace is kept by the hour."""
    return f"{at:%Y-%m-%dT%H}", f"{at - timedelta(hours=1):%Y-%m-%dT%H}"
