"""How fast the work goes: two numbers for each hour."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import Table, item_key
from tiro.pace import Pace, hours_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

KEPT = timedelta(days=2)


class DynamoDBPaceStore:
    """ports.PaceStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def note(self, seconds: float, *, at: datetime) -> None:
        values: Item = {
            ":one": {"N": "1"},
            ":seconds": {"N": f"{seconds:.3f}"},
            ":expires": {"N": str(math.ceil((at + KEPT).timestamp()))},
        }
        count = "ADD jobs :one, worked :seconds SET expires_at = :expires"
        self._table.transact(self._table.a_change(_key(hours_of(at)[0]), count, values))

    def lately(self, *, at: datetime) -> Pace:
        hours = [item for hour in hours_of(at) if (item := self._table.get(_key(hour)))]
        return Pace(
            jobs=sum(int(item["jobs"]["N"]) for item in hours),
            seconds=round(sum(float(item["worked"]["N"]) for item in hours), 3),
        )


def _key(hour: str) -> Item:
    return item_key(f"pace#{hour}", "pace")
