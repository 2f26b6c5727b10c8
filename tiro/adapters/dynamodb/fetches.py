"""How far a fetch is: an item beside its job's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import UNSEEN, Table, due_attributes, item_key
from tiro.errors import Conflict
from tiro.fetch import Fetch
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

KIND = "fetch#"
"""On the index `due`."""

KEPT = timedelta(days=2)
"""After that S3 has thrown the parts away too (infra/storage.py, "abandoned")."""


class DynamoDBFetchStore:
    """ports.FetchStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def get(self, job_id: str) -> Fetch | None:
        item = self._table.get(_key(job_id))
        return Fetch.model_validate_json(item["document"]["S"]) if item else None

    def save(self, before: Fetch, after: Fetch) -> None:
        expires = int((after.begun_at + KEPT).timestamp())
        item: Item = {
            **_key(after.job_id),
            "revision": {"N": str(after.revision)},
            "expires_at": {"N": str(expires)},
            **due_attributes(KIND, after.job_id, after.quiet_since),
            "document": {"S": encode(after)},
        }
        if before.revision == 0:
            saved = self._table.put(item, UNSEEN)
        else:
            saved = self._table.put(item, "revision = :revision", {":revision": {"N": str(before.revision)}})
        if not saved and self.get(after.job_id) != after:
            raise Conflict

    def forget(self, job_id: str) -> None:
        self._table.delete(_key(job_id))

    def silent(self, before: datetime, limit: int) -> Sequence[Fetch]:
        items = (self._table.get(key) for key in self._table.most_due(KIND, before, limit))
        fetches = (Fetch.model_validate_json(item["document"]["S"]) for item in items if item)
        return [fetch for fetch in fetches if fetch.quiet_since < before]


def _key(job_id: str) -> Item:
    return item_key(f"job#{job_id}", "fetch")
