"""Calls with an Idempotency-Key, and the seats of those that are held open."""

from __future__ import annotations

import math
import random
import zlib
from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import UNSEEN, Table, epoch, item_key
from tiro.call import Call
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

UNCHANGED = "revision = :revision"

SEATS_TRIED = 5
"""Of an owner's own, at random: all of them in a room of 20, and nobody asks long in a larger one."""


class DynamoDBCallStore:
    """ports.CallStore. Packed, since the answer to a batch may have more bytes than an item (400 KB)."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def get(self, name: str) -> Call | None:
        item = self._table.get(_key(name))
        return Call.model_validate_json(zlib.decompress(item["packed"]["B"])) if item else None

    def save(self, name: str, before: Call | None, after: Call) -> bool:
        item: Item = {
            **_key(name),
            "revision": {"N": str(after.revision)},
            "expires_at": {"N": str(math.ceil(after.expires_at.timestamp()))},
            "packed": {"B": zlib.compress(encode(after).encode())},
        }
        unchanged = (UNCHANGED, _revision(before)) if before else (UNSEEN,)
        saved = self._table.put(item, *unchanged)
        return saved or self.get(name) == after  # refused a second time, the first was done

    def forget(self, name: str, call: Call) -> None:
        self._table.transact(self._table.a_delete(_key(name), UNCHANGED, _revision(call)))


class DynamoDBWaitingRoom:
    """ports.WaitingRoom: an item for each seat, taken by a conditional write and free again when its time is over.

    Not a counter: of a function that died, it would never be told. Which seats an owner may take is drawn from the
    owner's name, always the same: so nobody counts them, and two owners have, as a rule, few in common.
    """

    def __init__(self, client: DynamoDBClient, table: str, seats: int, each: int) -> None:
        """An owner has `each` of the `seats` at most."""
        self._table, self._seats, self._each = Table(client, table), seats, each

    def enter(self, owner: str, *, now: datetime, until: datetime) -> int | None:
        share = random.Random(owner).sample(range(self._seats), min(self._each, self._seats))  # noqa: S311  (nobody's secret)
        for seat in random.sample(share, min(SEATS_TRIED, len(share))):
            item: Item = {**_seat(seat), "held_until": epoch(until)}
            if self._table.put(item, "attribute_not_exists(pk) OR held_until <= :now", {":now": epoch(now)}):
                return seat
        return None

    def leave(self, seat: int, *, until: datetime) -> None:
        self._table.transact(self._table.a_delete(_seat(seat), "held_until = :until", {":until": epoch(until)}))


def _key(name: str) -> Item:
    return item_key(f"call#{name}", "call")


def _seat(number: int) -> Item:
    return item_key(f"waiting#{number}", "seat")


def _revision(call: Call) -> Item:
    return {":revision": {"N": str(call.revision)}}
