"""API keys: 256 random bits that their holder alone knows. Tiro keeps a hash, and could not tell the key."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode

from tiro.errors import KeyRefused

PREFIX = "tiro_"
"""So that a person, or a scanner of leaked secrets, knows one when it lies about."""

ENTROPY_BYTES = 32

KEY_PATTERN = rf"{PREFIX}[A-Za-z0-9_-]{{43}}"
"""The prefix and 32 bytes in base64url without padding (RFC 4648, section 5)."""

BEARER = re.compile(rf"(?i:bearer) +({KEY_PATTERN})")
"""An `Authorization` header that carries a key (RFC 6750, section 2.1); group 1 is the key."""


def new_key(entropy: bytes) -> str:
    """Return a key made of 32 random bytes. Raises ValueError when they are fewer or more."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a key is made of {ENTROPY_BYTES} random bytes, not {len(entropy)}")
    return PREFIX + urlsafe_b64encode(entropy).decode().rstrip("=")


def hash_key(key: str) -> str:
    """Return the SHA-256 of a key, in hexadecimal: what is stored and looked up.

    A plain hash is enough for 256 random bits; salt and slowness are for what people can remember.
    Raises KeyRefused when it does not even look like a key.
    """
    if not re.fullmatch(KEY_PATTERN, key):
        raise KeyRefused("That is not an API key. One begins with 'tiro_' and has 43 more characters.")
    return hashlib.sha256(key.encode()).hexdigest()
