"""The door's keeper: an API key or a token goes in, its owner and what it opens come out.

Nothing behind it runs without one. API Gateway remembers an answer for a minute at most, so a revoked key opens for
that much longer; it remembers by the whole `Authorization` header, and nothing of a refusal.
"""

from __future__ import annotations

import re
from typing import Any

from functions import wiring
from tiro import service
from tiro.errors import KeyRefused
from tiro.key import BEARER, Caller

TOKEN = re.compile(r"[Bb]earer +([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)
"""An `Authorization` header that carries a signed token (RFC 7515, section 3.1); group 1 is the token."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway's REQUEST authorizer; raising exactly `Unauthorized` is how it says 401."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    try:
        caller = _caller(headers.get("authorization") or "")
    except KeyRefused as refused:
        # Why, is for whoever runs the stack; the caller hears the same for all.
        wiring.logger("authorize").info("refused", extra={"why": str(refused)})
        raise Exception("Unauthorized") from None  # API Gateway knows this one message
    return _allow(caller, event["methodArn"])


def _caller(header: str) -> Caller:
    """Raises KeyRefused."""
    if key := BEARER.fullmatch(header):
        return service.admit(key[1], keys=wiring.keys(), clock=wiring.clock())
    if (token := TOKEN.fullmatch(header)) and (issuer := wiring.issuer()):
        return issuer.admit(token[1])
    raise KeyRefused


def _allow(caller: Caller, method_arn: str) -> dict[str, Any]:
    # The whole API: the answer is remembered for this key and must fit the next call's route too.
    api, stage = method_arn.split("/")[:2]
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{api}/{stage}/*"}
    return {
        "principalId": caller.owner,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"owner": caller.owner, "scopes": " ".join(sorted(caller.scopes)), "key_id": caller.key_id},
    }
