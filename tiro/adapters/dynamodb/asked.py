"""What was asked a short while ago, and which job answers it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import Table, epoch, item_key
from tiro.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

# The table forgets an item some time after it expired, not at once: the condition looks at the time itself.
FREE = "attribute_not_exists(pk) OR good_until <= :now OR job_id = :instead_of"

TRIES = 5


class DynamoDBAskedStore:
    """ports.AskedStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def note(
        self, fingerprint: str, job_id: str, *, now: datetime, until: datetime, instead_of: str | None = None
    ) -> str:
        key = item_key(f"asked#{fingerprint}", "asked")
        item: Item = {
            **key,
            "job_id": {"S": job_id},
            "good_until": epoch(until),
            "expires_at": {"N": str(math.ceil(until.timestamp()))},
        }
        values: Item = {":now": epoch(now), ":instead_of": {"S": instead_of or "nothing"}}
        for _ in range(TRIES):
            if self._table.put(item, FREE, values):
                return job_id
            if noted := self._table.get(key):
                return noted["job_id"]["S"]
        raise ServiceUnavailable("The table could not say which job answers this call. Try again in a moment.")
