"""Where jobs and leases are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tiro.job import Drop, Job, Run


class JobStore(Protocol):
    """The jobs. Every write is conditional; one that loses raises Conflict and changes nothing."""

    def create(self, job: Job) -> Job:
        """Store a new job and return it; for a drop seen before, return the job it already has.

        Raises Conflict when there is another of its id.
        """
        ...

    def get(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        ...

    def save(self, before: Job, after: Job) -> None:
        """Replace `before`, if it is still what is stored. Raises Conflict."""
        ...

    def newest(self, drop: Drop) -> bool:
        """Return whether no newer write of the same inbox key has made a job."""
        ...

    def overdue(self, now: datetime, limit: int) -> Sequence[Job]:
        """Return jobs whose upload expired before `now`, at most `limit`."""
        ...

    def waiting(self, before: datetime, limit: int) -> Sequence[Job]:
        """Return queued jobs whose message was sent before then, the oldest first, at most `limit`."""
        ...

    def untidy(self, now: datetime, limit: int) -> Sequence[Job]:
        """Return jobs of which something was to be removed before `now`, the longest overdue first."""
        ...


class RunStore(Protocol):
    """Who holds a job. The lease is a fence: a write by an attempt that lost it raises LeaseLost."""

    def claim(self, before: Job, after: Job, run: Run, *, now: datetime) -> None:
        """Save `after` and hand out the lease, if nobody holds a live one. Raises Conflict."""
        ...

    def renew(self, job_id: str, run: Run) -> None:
        """Store a longer lease and the progress. Raises LeaseLost."""
        ...

    def finish(self, before: Job, after: Job, attempt: str) -> None:
        """Save `after` and end the lease, if `attempt` holds it. Raises LeaseLost or Conflict."""
        ...

    def get(self, job_id: str) -> Run | None: ...

    def lapsed(self, before: datetime, limit: int) -> Sequence[tuple[str, Run]]:
        """Return jobs, by id, whose lease ran out before then, and it; one just now may not be among them yet."""
        ...
