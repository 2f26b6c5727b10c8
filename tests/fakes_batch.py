"""Batches in memory, counting the jobs of a FakeJobStore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.fakes import FakeJobStore
from tiro.batch import Batch
from tiro.errors import BatchNotFound, Conflict
from tiro.job import JobStatus


class FakeBatchStore:
    def __init__(self, jobs: FakeJobStore) -> None:
        self._jobs = jobs
        self._batches: dict[str, Batch] = {}

    def create(self, batch: Batch) -> None:
        if self._batches.setdefault(batch.id, batch) != batch:
            raise Conflict

    def extend(self, batch: Batch) -> None:
        known = self._batches.get(batch.id)
        if known and known.pages < batch.pages:
            self._batches[batch.id] = batch

    def get(self, batch_id: str) -> Batch:
        if batch_id not in self._batches:
            raise BatchNotFound
        return self._batches[batch_id]

    def counts(self, batch_id: str) -> Mapping[JobStatus, int]:
        return Counter(job.status for job in self._jobs.jobs.values() if job.batch == batch_id)
