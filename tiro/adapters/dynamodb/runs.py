"""Who holds a job: the lease, and how far the work is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.changes import beside
from tiro.adapters.dynamodb.jobs import UNCHANGED, find_job, job_item, revision
from tiro.adapters.dynamodb.table import Table, due_attributes, epoch, item_key
from tiro.errors import Conflict, LeaseLost
from tiro.job import Job, Run
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

HELD = "attempt = :attempt"

KIND = "run#"
"""On the index `due`."""

STEP_SECONDS = 60
"""The index is told of a lease in steps, so that of several heartbeats one alone costs a write to it."""


class DynamoDBRunStore:
    """ports.RunStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def claim(self, before: Job, after: Job, run: Run, *, now: datetime) -> None:
        free = "attribute_not_exists(pk) OR lease_expires_at < :now"
        refused = self._table.transact(
            self._table.a_put(job_item(after), UNCHANGED, revision(before)),
            self._table.a_put(run_item(after.id, run), free, {":now": epoch(now)}),
            *beside(self._table, before, after),
        )
        if refused and not (find_job(self._table, after.id) == after and self.get(after.id) == run):
            raise Conflict("Another attempt holds this job, or somebody changed it first.")

    def renew(self, job_id: str, run: Run) -> None:
        if not self._table.put(run_item(job_id, run), HELD, {":attempt": {"S": run.attempt}}):
            raise LeaseLost

    def finish(self, before: Job, after: Job, attempt: str) -> None:
        refused = self._table.transact(
            self._table.a_put(job_item(after), UNCHANGED, revision(before)),
            self._table.a_delete(run_key(after.id), HELD, {":attempt": {"S": attempt}}),
            *beside(self._table, before, after),
        )
        if refused and find_job(self._table, after.id) != after:
            raise LeaseLost if 1 in refused else Conflict

    def get(self, job_id: str) -> Run | None:
        item = self._table.get(run_key(job_id))
        return Run.model_validate_json(item["document"]["S"]) if item else None

    def lapsed(self, before: datetime, limit: int) -> Sequence[tuple[str, Run]]:
        ids = [key["pk"]["S"].removeprefix("job#") for key in self._table.most_due(KIND, before, limit)]
        found = ((job_id, self.get(job_id)) for job_id in ids)
        return [(job_id, run) for job_id, run in found if run and run.lease_expires_at < before]


def run_key(job_id: str) -> Item:
    return item_key(f"job#{job_id}", "run")


def run_item(job_id: str, run: Run) -> Item:
    return {
        **run_key(job_id),
        "attempt": {"S": run.attempt},
        "lease_expires_at": epoch(run.lease_expires_at),
        **due_attributes(KIND, job_id, _step(run.lease_expires_at)),
        "document": {"S": encode(run)},
    }


def _step(at: datetime) -> datetime:
    """Return the step in which a lease surely has run out."""
    return datetime.fromtimestamp(math.ceil(at.timestamp() / STEP_SECONDS) * STEP_SECONDS, UTC)
