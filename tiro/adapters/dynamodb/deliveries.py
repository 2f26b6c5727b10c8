"""Deliveries: items beside their job's, which the index `due` sees while they are pending."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb import outbox
from tiro.adapters.dynamodb.table import LONGEST_ID, UNSEEN, Table, document, due_attributes, item_key
from tiro.delivery import KEPT, Delivery
from tiro.errors import Conflict, DeliveryNotFound

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

PREFIX = "delivery#"


class DynamoDBDeliveryStore:
    """ports.DeliveryStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def create(self, delivery: Delivery) -> bool:
        return self._table.put(_item(delivery), UNSEEN)

    def get(self, job_id: str, delivery_id: str) -> Delivery:
        found = self._find(job_id, delivery_id)
        if found is None:
            raise DeliveryNotFound(f"The transcription {job_id!r} has no delivery {delivery_id!r}.")
        return found

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        found = [_read(item) for item in self._table.all_under(_job(job_id), PREFIX)]
        return sorted(found, key=lambda delivery: (delivery.created_at, delivery.event.id, delivery.id))

    def forget(self, job_id: str) -> None:
        for prefix in (PREFIX, outbox.PREFIX):
            for item in self._table.all_under(_job(job_id), prefix):
                if prefix == outbox.PREFIX or not _read(item).outlives_its_job:
                    self._table.delete({"pk": item["pk"], "sk": item["sk"]})

    def remove(self, delivery: Delivery) -> None:
        self._table.delete(_key(delivery.job_id, delivery.id))

    def save(self, before: Delivery, after: Delivery) -> None:
        unchanged: Item = {":revision": {"N": str(before.revision)}}
        saved = self._table.put(_item(after), "revision = :revision", unchanged)
        if not saved and self._find(after.job_id, after.id) != after:
            raise Conflict("Somebody else is at this delivery.")

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        items = (self._table.get(key) for key in self._table.most_due(PREFIX, now, limit))
        # The index lags behind the table: the delivery itself has the last word.
        return [one for item in items if item and (one := _read(item)).due_at and one.due_at < now]

    def _find(self, job_id: str, delivery_id: str) -> Delivery | None:
        if len(delivery_id) > LONGEST_ID:
            return None
        item = self._table.get(_key(job_id, delivery_id))
        return _read(item) if item else None


def _job(job_id: str) -> str:
    return f"job#{job_id}"


def _key(job_id: str, delivery_id: str) -> Item:
    return item_key(_job(job_id), f"{PREFIX}{delivery_id}")


def _read(item: Item) -> Delivery:
    return Delivery.model_validate_json(item["document"]["S"])


def _item(delivery: Delivery) -> Item:
    item: Item = {
        **_key(delivery.job_id, delivery.id),
        "revision": {"N": str(delivery.revision)},
        "expires_at": {"N": str(math.ceil((delivery.created_at + KEPT).timestamp()))},
        "document": document(delivery),
    }
    if delivery.due_at:
        item |= due_attributes(PREFIX, delivery.id, delivery.due_at)
    return item
