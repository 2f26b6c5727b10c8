"""Batches, and how many of their jobs have which status: counted in the very write that changes it."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import UNSEEN, Table, item_key
from tiro.batch import Batch
from tiro.errors import BatchNotFound, Conflict
from tiro.job import Job, JobStatus
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from tiro.adapters.dynamodb.table import Item

SHARDS = 16
"""Two transactions on one item at once are one too many: so a batch's jobs are counted on several items."""


class DynamoDBBatchStore:
    """ports.BatchStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def create(self, batch: Batch) -> None:
        if not self._table.put(_item(batch), UNSEEN) and self.get(batch.id) != batch:
            raise Conflict

    def extend(self, batch: Batch) -> None:
        self._table.put(_item(batch), "pages < :pages", {":pages": {"N": str(batch.pages)}})

    def get(self, batch_id: str) -> Batch:
        item = self._table.get(_key(batch_id))
        if item is None:
            raise BatchNotFound(f"There is no batch {batch_id!r}.")
        return Batch.model_validate_json(item["document"]["S"])

    def counts(self, batch_id: str) -> Mapping[JobStatus, int]:
        found: Counter[JobStatus] = Counter()
        for item in self._table.all_under(f"batch#{batch_id}"):
            found.update({status: int(item[status]["N"]) for status in JobStatus if status in item})
        return found


def recount(table: Table, before: Job | None, after: Job) -> list[TransactWriteItemTypeDef]:
    """Return the write that goes with a job's change of status; none where it is of no batch, or its status stays."""
    if after.batch is None or (before and before.status is after.status):
        return []
    changes: dict[str, int] = {after.status.value: 1} | ({before.status.value: -1} if before else {})
    shard = zlib.crc32(after.id.encode()) % SHARDS
    return [table.an_addition(item_key(f"batch#{after.batch}", f"count#{shard:02}"), changes)]


def _item(batch: Batch) -> Item:
    return {
        **_key(batch.id),
        "owner": {"S": batch.owner},
        "pages": {"N": str(batch.pages)},
        "document": {"S": encode(batch)},
    }


def _key(batch_id: str) -> Item:
    return item_key(f"batch#{batch_id}", "batch")
