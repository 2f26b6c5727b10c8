"""Webhook endpoints, an owner's in one partition. Their secrets are kept as they are, for they must sign; the table is
encrypted, and nothing of it is ever logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import LONGEST_ID, UNSEEN, Table, item_key
from tiro.errors import Conflict, WebhookNotFound
from tiro.stored import encode
from tiro.webhook import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item


class DynamoDBEndpointStore:
    """ports.EndpointStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def create(self, endpoint: Endpoint) -> None:
        if not self._table.put(_item(endpoint), UNSEEN) and self._find(endpoint.owner, endpoint.id) != endpoint:
            raise Conflict(f"There is another endpoint {endpoint.id}.")

    def get(self, owner: str, endpoint_id: str) -> Endpoint:
        found = self._find(owner, endpoint_id)
        if found is None:
            raise WebhookNotFound(f"You have no webhook endpoint {endpoint_id!r}.")
        return found

    def list(self, owner: str) -> Sequence[Endpoint]:
        return [_read(item) for item in self._table.all_under(_owner(owner))]

    def save(self, before: Endpoint, after: Endpoint) -> None:
        unchanged: Item = {":revision": {"N": str(before.revision)}}
        saved = self._table.put(_item(after), "revision = :revision", unchanged)
        if not saved and self._find(after.owner, after.id) != after:
            raise Conflict("Somebody else changed this endpoint first.")

    def delete(self, owner: str, endpoint_id: str) -> None:
        self._table.delete(_key(owner, endpoint_id))

    def _find(self, owner: str, endpoint_id: str) -> Endpoint | None:
        if len(endpoint_id) > LONGEST_ID:
            return None
        item = self._table.get(_key(owner, endpoint_id))
        return _read(item) if item else None


def _owner(owner: str) -> str:
    return f"webhooks#{owner}"


def _key(owner: str, endpoint_id: str) -> Item:
    return item_key(_owner(owner), f"endpoint#{endpoint_id}")


def _read(item: Item) -> Endpoint:
    return Endpoint.model_validate_json(item["document"]["S"])


def _item(endpoint: Endpoint) -> Item:
    return {
        **_key(endpoint.owner, endpoint.id),
        "revision": {"N": str(endpoint.revision)},
        "document": {"S": encode(endpoint)},
    }
