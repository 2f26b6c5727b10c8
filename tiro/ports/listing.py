"""How an owner's jobs are found, and what an owner uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tiro.job import JobStatus
from tiro.listing import JobSummary
from tiro.quota import Usage


@dataclass(frozen=True)
class Stretch:
    """A stretch of a month, newest first. `goes_on_after` is the last job looked at; None: the month is at its end."""

    jobs: tuple[JobSummary, ...]
    goes_on_after: str | None


class JobIndex(Protocol):
    """An owner's jobs by the month of their making. May lag behind the jobs by a moment."""

    def look(
        self, owner: str, month: str, *, older_than: str, not_older_than: str, status: JobStatus | None, limit: int
    ) -> Stretch:
        """Look at up to `limit` jobs, by their ids, and return those of a status."""
        ...


class UsageStore(Protocol):
    """What owners use. It is counted where jobs are stored, in the same write."""

    def get(self, owner: str, *, at: datetime) -> Usage:
        """Return what is in flight now, and what was queued on the day of `at`."""
        ...
