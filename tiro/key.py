"""Who may: an API key is 256 random bits that its holder alone knows, and opens what its scopes name.

Tiro keeps a hash, and could not tell the key. It is found by that hash and compared with nothing: how long a look-up
takes says at most something of the hash, which no caller can steer, and nothing of the key. So there is no comparison
to make in constant time.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from tiro.errors import KeyRefused
from tiro.stored import StoredModel

PREFIX = "tiro_"
"""So that a person, or a scanner of leaked secrets, knows one when it lies about."""

ENTROPY_BYTES = 32

KEY_PATTERN = rf"{PREFIX}[A-Za-z0-9_-]{{43}}"
"""The prefix and 32 bytes in base64url without padding (RFC 4648, section 5)."""

BEARER = re.compile(rf"(?i:bearer) +({KEY_PATTERN})")
"""An `Authorization` header that carries a key (RFC 6750, section 2.1); group 1 is the key."""

USE_NOTED_EVERY = timedelta(hours=1)
"""How exact `last_used_at` is. A write for every call would cost more than the call."""


class Scope(StrEnum):
    """What a key, or a token, opens. Few on purpose: each names a kind of harm that it can do."""

    TRANSCRIBE = "transcribe"  # make, cancel, delete and retry jobs: spends money, removes recordings
    READ = "read"  # see jobs, transcripts and the models
    WEBHOOKS = "webhooks"  # say where deliveries go: sends news of jobs to other places


ALL_SCOPES = frozenset(Scope)


def parse_scopes(text: str | Iterable[str]) -> frozenset[Scope]:
    """Return the scopes among names, or among a string of them with spaces between (RFC 6749, section 3.3).

    What is no scope of ours is left out: a token's issuer may have more in mind than Tiro.
    """
    names = text.split() if isinstance(text, str) else text
    return frozenset(scope for scope in Scope if scope.value in set(names))


Scopes = Annotated[
    frozenset[Scope],
    BeforeValidator(lambda value: parse_scopes(value) if isinstance(value, str) else value),
    PlainSerializer(lambda scopes: " ".join(sorted(scopes)), return_type=str),
]
"""In JSON: their names with a space between, in one order, so that the same scopes are the same bytes."""


class ApiKey(StoredModel):
    """What Tiro knows of a key. `id` is for people to name it by, and opens nothing."""

    id: str
    owner: str
    scopes: Scopes = ALL_SCOPES
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None  # within USE_NOTED_EVERY
    revoked_at: datetime | None = None

    def opens(self, *, at: datetime) -> bool:
        """Return whether it is good at a time: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def use_is_news(self, *, at: datetime) -> bool:
        return self.last_used_at is None or at - self.last_used_at >= USE_NOTED_EVERY


@dataclass(frozen=True)
class Caller:
    """Who calls, by key or by token, and what they may."""

    owner: str
    scopes: frozenset[Scope]
    key_id: str  # of an API key; of a token, its issuer's `jti` or "token"


def new_key(entropy: bytes) -> str:
    """Return a key made of 32 random bytes. Raises ValueError when they are fewer or more."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a key is made of {ENTROPY_BYTES} random bytes, not {len(entropy)}")
    return PREFIX + urlsafe_b64encode(entropy).decode().rstrip("=")


def new_key_id(entropy: bytes) -> str:
    """Return a key's public id, made of at least 8 random bytes: short enough to be typed."""
    return f"key_{entropy[:8].hex()}"


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal: what is stored and looked up.

    A plain hash is enough for 256 random bits; salt and slowness are for what people can remember.
    Raises KeyRefused when it does not even look like a key.
    """
    if not re.fullmatch(KEY_PATTERN, key):
        raise KeyRefused("That is not an API key. One begins with 'tiro_' and has 43 more characters.")
    return hashlib.sha256(key.encode()).hexdigest()
