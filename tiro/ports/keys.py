"""Where API keys are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tiro.key import ApiKey


class KeyStore(Protocol):
    """API keys, of which only a hash is stored."""

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key, be it revoked or expired; None where there is no such key."""
        ...

    def add(self, key_hash: str, key: ApiKey) -> None:
        """Store a new key; once more is no error. Raises Conflict when the hash or the id is another key's."""
        ...

    def list(self, owner: str | None = None) -> Sequence[ApiKey]:
        """Return an owner's keys, or everybody's, in the order of their making."""
        ...

    def note_use(self, key_hash: str, *, at: datetime) -> None:
        """Note when a key was used last, if there is such a key."""
        ...

    def revoke(self, key_id: str, *, at: datetime) -> ApiKey:
        """Close a key for good, and return it; one that was closed stays as it was. Raises KeyNotFound."""
        ...
