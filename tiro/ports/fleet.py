"""The workers that there are, and how more are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tiro.dispatch import Launch, Refusal, Worker
from tiro.handling import Priority
from tiro.pace import Depth


@dataclass(frozen=True)
class Fleet:
    running: Sequence[Worker]
    pending: Sequence[Worker]  # asked for and still to come
    refusals: Sequence[Refusal]  # of the last hour or so: that long ECS remembers what never started


class WorkerFleet(Protocol):
    def look(self) -> Fleet:
        """Return who is there. Raises ServiceUnavailable."""
        ...

    def launch(self, launch: Launch) -> Sequence[Refusal]:
        """Ask for workers; return what was refused on the spot. Most refusals come later, by `look`.

        Raises ServiceUnavailable.
        """
        ...

    def stop(self, ids: Collection[str], *, why: str) -> None:
        """Send them SIGTERM, or call them off. One that is gone already is no error. Raises ServiceUnavailable."""
        ...


class Crew(Protocol):
    """All that a cluster still has, before it goes."""

    def stop_all(self, *, why: str) -> None:
        """Send every worker SIGTERM. Raises ServiceUnavailable."""
        ...

    def machines(self) -> int:
        """Return how many tasks and machines are left. Raises ServiceUnavailable."""
        ...


class Gauge(Protocol):
    """A JobQueue, as far as the dispatcher needs one."""

    def depth(self, priority: Priority) -> Depth: ...


class LengthStore(Protocol):
    """How long a recording is in the mean, learnt from those that came in."""

    def get(self) -> float | None:
        """Return seconds; None until some were seen."""
        ...

    def put(self, mean_seconds: float) -> None:
        """Two at once: one of them wins, and the next recordings correct it."""
        ...


class LaunchStore(Protocol):
    """When workers were last asked for: whoever looked before that did not see them."""

    def note(self, at: datetime, *, unless_since: datetime) -> bool:
        """Note that workers are asked for now, and return True; False where that was noted at `unless_since` or later.

        Of several at once one is told True. Raises ServiceUnavailable.
        """
        ...
