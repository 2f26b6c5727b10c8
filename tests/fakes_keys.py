"""API keys in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tiro.errors import Conflict, KeyNotFound
from tiro.key import ApiKey


class FakeKeyStore:
    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}  # by hash
        self.uses = 0  # that were noted

    def find(self, key_hash: str) -> ApiKey | None:
        return self.keys.get(key_hash)

    def add(self, key_hash: str, key: ApiKey) -> None:
        ids = {known.id for at, known in self.keys.items() if at != key_hash}
        if key.id in ids or self.keys.setdefault(key_hash, key) != key:
            raise Conflict

    def list(self, owner: str | None = None) -> Sequence[ApiKey]:
        mine = [key for key in self.keys.values() if owner in (None, key.owner)]
        return sorted(mine, key=lambda key: (key.created_at, key.id))

    def note_use(self, key_hash: str, *, at: datetime) -> None:
        if key := self.keys.get(key_hash):
            self.uses += 1
            self.keys[key_hash] = key.model_copy(update={"last_used_at": at})

    def revoke(self, key_id: str, *, at: datetime) -> ApiKey:
        for key_hash, key in self.keys.items():
            if key.id == key_id:
                self.keys[key_hash] = key.model_copy(update={"revoked_at": key.revoked_at or at})
                return self.keys[key_hash]
        raise KeyNotFound
