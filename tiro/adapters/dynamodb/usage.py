"""What an owner uses: counters that change in the very transaction that changes a job."""

from __future__ import annotations

import math
import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import Table, item_key
from tiro.job import Job
from tiro.listing import month_of
from tiro.quota import Counted, Usage, day_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from tiro.adapters.dynamodb.table import Item

SHARDS = 8
"""Of two transactions on one item at once, one is refused: so what an owner uses is counted on several items."""

DAYS_KEPT = timedelta(days=40)


class DynamoDBUsageStore:
    """ports.UsageStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def get(self, owner: str, *, at: datetime) -> Usage:
        counted = list(self._table.all_under(_owner(owner)))
        today = self._table.all_under(_day(owner, at))
        return Usage(
            jobs=max(0, int(sum(_number(item, "jobs") for item in counted))),
            audio_seconds=round(sum(_number(item, "audio_seconds") for item in today), 3),
            since=min((item["since"]["S"] for item in counted), default=None),
        )


def count_usage(table: Table, before: Job | None, after: Job) -> list[TransactWriteItemTypeDef]:
    """Return the writes that count a change of a job, none when there is nothing to count."""
    counted, shard = Counted.of(before, after), f"{zlib.crc32(after.id.encode()) % SHARDS:02}"
    writes = []
    if counted.jobs:
        values: Item = {":number": {"N": str(counted.jobs)}, ":month": {"S": month_of(after.created_at)}}
        count = "ADD jobs :number SET since = if_not_exists(since, :month)"
        writes.append(table.a_change(item_key(_owner(after.owner), f"usage#{shard}"), count, values))
    if counted.audio_seconds:
        at = after.finished_at or after.queued_at or after.created_at
        expires = math.ceil((at + DAYS_KEPT).timestamp())
        values = {":seconds": {"N": f"{counted.audio_seconds:.3f}"}, ":expires": {"N": str(expires)}}
        count = "ADD audio_seconds :seconds SET expires_at = :expires"
        writes.append(table.a_change(item_key(_day(after.owner, at), f"audio#{shard}"), count, values))
    return writes


def _owner(owner: str) -> str:
    return f"owner#{owner}"


def _day(owner: str, at: datetime) -> str:
    return f"owner#{owner}#{day_of(at)}"


def _number(item: Item, name: str) -> float:
    return float(item[name]["N"]) if name in item else 0.0
