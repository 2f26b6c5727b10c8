"""How a receiver knows that a webhook is ours: the symmetric signature of Standard Webhooks 1.0.0. Pure.

github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md. What is signed is
`{webhook-id}.{webhook-timestamp}.{body}`, with HMAC-SHA256 and a secret that one receiver alone shares with us.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime

from tiro.errors import SignatureRefused

PREFIX = "whsec_"
"""So that a person, or a scanner of leaked secrets, knows one when it lies about."""

SECRET_BYTES = 32
"""Of a new one; the standard allows LEAST_BYTES to MOST_BYTES."""

LEAST_BYTES, MOST_BYTES = 24, 64

VERSION = "v1"
"""Symmetric. A header may carry others beside it, which are skipped."""

TOLERANCE_SECONDS = 300.0
"""How far a delivery's time may lie from the receiver's: a copy that is sent again later is refused."""


def new_secret(entropy: bytes) -> str:
    """Return a secret of at least 24 random bytes."""
    return PREFIX + b64encode(entropy).decode()


def secret_bytes(secret: str) -> bytes:
    """Return the key of a secret. Raises ValueError, which never quotes it."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a secret is {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} random bytes in base64")
    return key


def sign(body: bytes, *, message_id: str, at: datetime, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers that a delivery carries, with a signature by each secret: two while one is rotated."""
    timestamp = str(int(at.timestamp()))
    signatures = (_signature(secret_bytes(secret), message_id, timestamp, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"{VERSION},{signature}" for signature in signatures),
    }


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Iterable[str],
    now: datetime,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> None:
    """Return when a delivery is ours and fresh. `body` is what came, byte for byte, before anybody parsed it.

    Raises SignatureRefused, saying why; ValueError for what is no secret.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and timestamp and signatures):
        raise SignatureRefused("One of the headers webhook-id, webhook-timestamp and webhook-signature is missing.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise SignatureRefused("The header webhook-timestamp is not a number of seconds.")
    age = now.timestamp() - int(timestamp)
    if abs(age) > tolerance_seconds:
        raise SignatureRefused(f"It was sent {abs(age):,.0f} s {'ago' if age > 0 else 'in the future'}.")
    expected = [_signature(secret_bytes(secret), message_id, timestamp, body).encode() for secret in secrets]
    for signature in signatures.split(" "):
        version, _, value = signature.partition(",")
        if version == VERSION and any(hmac.compare_digest(value.encode(), one) for one in expected):
            return
    raise SignatureRefused("The signature is not by this secret, or the body is not what was signed.")


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
