"""The jobs, and which write of an inbox key each came from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.changes import beside
from tiro.adapters.dynamodb.listing import index_attributes
from tiro.adapters.dynamodb.table import UNSEEN, Table, document, due_attributes, item_key
from tiro.errors import Conflict, JobNotFound
from tiro.job import TOMBSTONE, Drop, Job, JobStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

AWAITING, QUEUED, TIDY = "", "queued#", "tidy#"
"""The kinds of job on the index `due`: what waits for its recording, for a worker, or to be removed, all or in part."""

SEQUENCER_WIDTH = 64
"""S3's sequencers have about 18 digits; padded on the right to one width, they compare as strings."""

UNCHANGED = "revision = :revision"


class DynamoDBJobStore:
    """ports.JobStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def create(self, job: Job) -> Job:
        if job.drop is not None and job.retry_of is None:
            return self._create_for(job.drop, job)
        if self._table.transact(self._table.a_put(job_item(job), UNSEEN), *beside(self._table, None, job)):
            self._must_be_stored(job)
        return job

    def _create_for(self, drop: Drop, job: Job) -> Job:
        write = item_key(_object(drop), f"write#{drop.sequencer}")
        refused = self._table.transact(
            self._table.a_put(job_item(job), UNSEEN),
            self._table.a_put({**write, "job_id": {"S": job.id}}, UNSEEN),
            *beside(self._table, None, job),
        )
        if refused:
            seen = self._table.get(write)
            if seen is None:
                raise Conflict(f"There is another job {job.id}.")
            job = self.get(seen["job_id"]["S"])
        # Not in the transaction, since an older write gets its job too; and again for a write that was seen
        # before, since whoever saw it may have died right here.
        self._note_newest(drop, job.id)
        return job

    def _note_newest(self, drop: Drop, job_id: str) -> None:
        item: Item = {**_newest(drop), "sequencer": {"S": _padded(drop)}, "job_id": {"S": job_id}}
        older = "attribute_not_exists(pk) OR sequencer < :sequencer"
        self._table.put(item, older, {":sequencer": item["sequencer"]})  # refused: a newer one is noted already

    def get(self, job_id: str) -> Job:
        job = find_job(self._table, job_id)
        if job is None:
            raise JobNotFound(f"There is no transcription {job_id}.")
        return job

    def save(self, before: Job, after: Job) -> None:
        put = self._table.a_put(job_item(after), UNCHANGED, revision(before))
        if self._table.transact(put, *beside(self._table, before, after)):
            self._must_be_stored(after)

    def _must_be_stored(self, job: Job) -> None:
        if find_job(self._table, job.id) != job:
            raise Conflict

    def newest(self, drop: Drop) -> bool:
        item = self._table.get(_newest(drop))
        return item is None or item["sequencer"]["S"] <= _padded(drop)

    def overdue(self, now: datetime, limit: int) -> Sequence[Job]:
        return [job for job in self._due(AWAITING, now, limit) if job.upload_expires_at and job.upload_expires_at < now]

    def untidy(self, now: datetime, limit: int) -> Sequence[Job]:
        return [job for job in self._due(TIDY, now, limit) if job.tidy_at and job.tidy_at < now]

    def _due(self, kind: str, now: datetime, limit: int) -> Iterator[Job]:
        """Yield jobs that the index says are due. It lags behind the table: the job itself has the last word."""
        for key in self._table.most_due(kind, now, limit):
            if job := find_job(self._table, key["pk"]["S"].removeprefix("job#")):
                yield job

    def waiting(self, before: datetime, limit: int) -> Sequence[Job]:
        queued = (job for job in self._due(QUEUED, before, limit) if job.status is JobStatus.QUEUED)
        return [job for job in queued if _sent_at(job) < before]


def job_key(job_id: str) -> Item:
    return item_key(f"job#{job_id}", "job")


def job_item(job: Job) -> Item:
    item: Item = {
        **job_key(job.id),
        "revision": {"N": str(job.revision)},
        "document": document(job),
        **index_attributes(job),
    }
    if job.deleted_at:
        item["expires_at"] = {"N": str(math.ceil((job.deleted_at + TOMBSTONE).timestamp()))}
    if job.status is JobStatus.AWAITING_MEDIA and job.upload_expires_at:
        item |= due_attributes(AWAITING, job.id, job.upload_expires_at)
    elif job.status is JobStatus.QUEUED:
        item |= due_attributes(QUEUED, job.id, _sent_at(job))
    elif job.tidy_at:
        item |= due_attributes(TIDY, job.id, job.tidy_at)
    return item


def _sent_at(job: Job) -> datetime:
    return job.sent_at or job.queued_at or job.created_at


def revision(before: Job) -> Item:
    return {":revision": {"N": str(before.revision)}}


def find_job(table: Table, job_id: str) -> Job | None:
    item = table.get(job_key(job_id))
    return Job.model_validate_json(item["document"]["S"]) if item else None


def _object(drop: Drop) -> str:
    # Hashed, since an object's key may be longer than what a table's key and its prefix may be together.
    return f"object#{hashlib.sha256(f'{drop.bucket}/{drop.key}'.encode()).hexdigest()}"


def _newest(drop: Drop) -> Item:
    return item_key(_object(drop), "newest")


def _padded(drop: Drop) -> str:
    return drop.sequencer.ljust(SEQUENCER_WIDTH, "0")
