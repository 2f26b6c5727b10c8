"""An owner's jobs by month, and what an owner uses, as the fake job store has them."""

from __future__ import annotations

from datetime import datetime

from tests.fakes import FakeJobStore
from tiro.job import JobStatus
from tiro.listing import JobSummary, month_of
from tiro.ports import Stretch
from tiro.quota import Usage


class FakeJobIndex:
    def __init__(self, jobs: FakeJobStore) -> None:
        self.looks = 0
        self._jobs = jobs

    def look(
        self, owner: str, month: str, *, older_than: str, not_older_than: str, status: JobStatus | None, limit: int
    ) -> Stretch:
        self.looks += 1
        there = sorted(
            (
                job
                for job in self._jobs.jobs.values()
                if (job.owner, month_of(job.created_at), job.deleted_at) == (owner, month, None)
                and not_older_than <= job.id < older_than
            ),
            key=lambda job: job.id,
            reverse=True,
        )
        seen = there[:limit]
        return Stretch(
            jobs=tuple(JobSummary.of(job) for job in seen if status in (None, job.status)),
            goes_on_after=seen[-1].id if len(there) > limit else None,
        )


class FakeUsageStore:
    def __init__(self, jobs: FakeJobStore) -> None:
        self._jobs = jobs

    def get(self, owner: str, *, at: datetime) -> Usage:
        return self._jobs.used(owner, at)
