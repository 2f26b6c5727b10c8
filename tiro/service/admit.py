"""Who calls: an API key goes in, its owner and what it opens come out."""

from __future__ import annotations

from contextlib import suppress

from tiro.errors import KeyRefused, ServiceUnavailable
from tiro.key import Caller, hash_key
from tiro.ports import Clock, KeyStore


def admit(key: str, *, keys: KeyStore, clock: Clock) -> Caller:
    """Return whose key it is. Raises KeyRefused for one that is unknown, expired or revoked; it does not say which."""
    key_hash, now = hash_key(key), clock.now()
    known = keys.find(key_hash)
    if known is None or not known.opens(at=now):
        raise KeyRefused
    if known.use_is_news(at=now):
        with suppress(ServiceUnavailable):  # nobody stands before a closed door for a note in the register
            keys.note_use(key_hash, at=now)
    return Caller(owner=known.owner, scopes=known.scopes, key_id=known.id)
