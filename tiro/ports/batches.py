"""Where batches are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tiro.batch import Batch
from tiro.job import JobStatus


class BatchStore(Protocol):
    """The batches. Their jobs are counted by the JobStore, in the write that changes a job's status."""

    def create(self, batch: Batch) -> None:
        """Once more is no error. Raises Conflict when there is another of this id."""
        ...

    def extend(self, batch: Batch) -> None:
        """Store a batch that has more pages than it had; one that has not is no error, and changes nothing."""
        ...

    def get(self, batch_id: str) -> Batch:
        """Raises BatchNotFound."""
        ...

    def counts(self, batch_id: str) -> Mapping[JobStatus, int]:
        """Return how many jobs of the batch have each status."""
        ...
