"""The last of a fleet: before its cluster may go, every worker has given its job back and every machine is returned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tiro.ports import Clock, Crew

DRAIN_TIME = timedelta(minutes=13)
"""Of the fifteen that a Lambda has: a worker takes two at most, a machine some more."""

PAUSE_SECONDS = 10.0


def drain(crew: Crew, *, clock: Clock, until: datetime, sleep: Callable[[float], None]) -> int:
    """Stop all workers and wait until no machine is left; return how many are at `until`.

    ECS refuses to delete what still has machines (aws-cdk#36071). Raises ServiceUnavailable.
    """
    while True:
        crew.stop_all(why="The stack is being deleted.")
        left = crew.machines()
        if not left or clock.now() >= until:
            return left
        sleep(PAUSE_SECONDS)
