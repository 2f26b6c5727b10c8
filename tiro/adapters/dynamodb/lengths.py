"""How long a recording is in the mean: one item, written a few times a minute at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import Table, item_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KEY = item_key("fleet", "length")


class DynamoDBLengthStore:
    """ports.LengthStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def get(self) -> float | None:
        item = self._table.get(KEY)
        return float(item["mean_seconds"]["N"]) if item else None

    def put(self, mean_seconds: float) -> None:
        self._table.put({**KEY, "mean_seconds": {"N": f"{mean_seconds:.3f}"}}, None)
