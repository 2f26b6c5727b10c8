"""How fast the work goes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tiro.pace import Pace


class PaceStore(Protocol):
    """What workers did, hour by hour. A job that is noted twice counts twice: it is no more than a guess's ground."""

    def note(self, seconds: float, *, at: datetime) -> None:
        """Count a job that took so long."""
        ...

    def lately(self, *, at: datetime) -> Pace:
        """Return what was done in the hour of `at` and in the one before."""
        ...
