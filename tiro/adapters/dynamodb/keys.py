"""API keys, by their hash."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import UNSEEN, Table, item_key
from tiro.errors import Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item


class DynamoDBKeyStore:
    """ports.KeyStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def owner_of(self, key_hash: str) -> str | None:
        item = self._table.get(item_key(f"key#{key_hash}", "key"))
        return item["owner"]["S"] if item else None

    def add(self, key_hash: str, owner: str, *, at: datetime) -> None:
        item: Item = {
            **item_key(f"key#{key_hash}", "key"),
            "owner": {"S": owner},
            "created_at": {"S": at.isoformat()},
        }
        if not self._table.put(item, UNSEEN) and self.owner_of(key_hash) != owner:
            raise Conflict("Somebody else has this key.")
