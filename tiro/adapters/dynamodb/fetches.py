"""How far a fetch is: an item beside its job's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import UNSEEN, Table, item_key
from tiro.errors import Conflict
from tiro.fetch import Fetch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

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
            "document": {"S": after.model_dump_json()},
        }
        if before.revision == 0:
            saved = self._table.put(item, UNSEEN)
        else:
            saved = self._table.put(item, "revision = :revision", {":revision": {"N": str(before.revision)}})
        if not saved and self.get(after.job_id) != after:
            raise Conflict

    def forget(self, job_id: str) -> None:
        self._table.delete(_key(job_id))


def _key(job_id: str) -> Item:
    return item_key(f"job#{job_id}", "fetch")
