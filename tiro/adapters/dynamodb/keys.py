"""API keys: each by its hash, and a register by which a person finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.table import UNSEEN, Table, item_key
from tiro.errors import Conflict, KeyNotFound
from tiro.key import ApiKey
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from tiro.adapters.dynamodb.table import Item

REGISTER = "keys"
"""One partition holds all: keys are made by hand, and only `tiro keys` reads it."""

UNTOUCHED = "document = :before"


class DynamoDBKeyStore:
    """ports.KeyStore."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def find(self, key_hash: str) -> ApiKey | None:
        item = self._table.get(_key(key_hash))
        return _read(item) if item else None

    def add(self, key_hash: str, key: ApiKey) -> None:
        registered = item_key(REGISTER, key.id)
        refused = self._table.transact(
            self._table.a_put(_item(key_hash, key), UNSEEN),
            self._table.a_put({**registered, "hash": {"S": key_hash}, "owner": {"S": key.owner}}, UNSEEN),
        )
        if refused and self.find(key_hash) != key:
            raise Conflict("There is another key with this id or this hash.")

    def list(self, owner: str | None = None) -> Sequence[ApiKey]:
        entries = self._table.all_under(REGISTER)
        found = (self.find(e["hash"]["S"]) for e in entries if owner in (None, e["owner"]["S"]))
        return sorted((key for key in found if key), key=lambda key: (key.created_at, key.id))

    def note_use(self, key_hash: str, *, at: datetime) -> None:
        self._change(key_hash, lambda key: key.model_copy(update={"last_used_at": at}))

    def revoke(self, key_id: str, *, at: datetime) -> ApiKey:
        entry = self._table.get(item_key(REGISTER, key_id))
        revoked = self._change(entry["hash"]["S"], lambda key: _revoked(key, at)) if entry else None
        if revoked is None:
            raise KeyNotFound(f"There is no key {key_id!r}. `tiro keys list` shows them.")
        return revoked

    def _change(self, key_hash: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey | None:
        """Replace a key by what `change` makes of it, as often as somebody else was first.

        A use and a revocation may meet: neither may undo the other.
        """
        while item := self._table.get(_key(key_hash)):
            changed = change(_read(item))
            if self._table.put(_item(key_hash, changed), UNTOUCHED, {":before": item["document"]}):
                return changed
        return None


def _revoked(key: ApiKey, at: datetime) -> ApiKey:
    return key.model_copy(update={"revoked_at": key.revoked_at or at})


def _key(key_hash: str) -> Item:
    return item_key(f"key#{key_hash}", "key")


def _read(item: Item) -> ApiKey:
    return ApiKey.model_validate_json(item["document"]["S"])


def _item(key_hash: str, key: ApiKey) -> Item:
    return {**_key(key_hash), "owner": {"S": key.owner}, "document": {"S": encode(key)}}
