"""When workers were last asked for: one item, written when they are."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import Table, epoch, item_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KEY = item_key("fleet", "launch")


class DynamoDBLaunchStore:
    """ports.LaunchStore. An answer that is lost on its way makes it False: then the next minute's round asks."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def note(self, at: datetime, *, unless_since: datetime) -> bool:
        before = "attribute_not_exists(pk) OR asked_at < :since"
        return self._table.put({**KEY, "asked_at": epoch(at)}, before, {":since": epoch(unless_since)})
