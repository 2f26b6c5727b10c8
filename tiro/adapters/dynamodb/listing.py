"""An owner's jobs by the month of their making: the index `by_owner`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import Table
from tiro.job import Job, JobStatus
from tiro.listing import JobSummary, month_of
from tiro.ports.listing import Stretch
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item


class DynamoDBJobIndex:
    """ports.JobIndex."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def look(
        self, owner: str, month: str, *, older_than: str, not_older_than: str, status: JobStatus | None, limit: int
    ) -> Stretch:
        items, goes_on = self._table.newest_of(_shelf(owner, month), not_older_than, older_than, limit)
        seen = [JobSummary.model_validate_json(item["summary"]["S"]) for item in items]
        older = [job for job in seen if job.id < older_than]
        return Stretch(
            jobs=tuple(job for job in older if status in (None, job.status)),
            goes_on_after=seen[-1].id if goes_on and seen else None,
        )


def index_attributes(job: Job) -> Item:
    """Return what the index sees of a job: what never changes, and what changes with its status alone."""
    if job.deleted_at:
        return {}
    return {
        "owner_month": {"S": _shelf(job.owner, month_of(job.created_at))},
        "job_id": {"S": job.id},
        "summary": {"S": encode(JobSummary.of(job))},
    }


def _shelf(owner: str, month: str) -> str:
    return f"{owner}#{month}"
