"""The door's keeper: an API key goes in, its owner comes out. Nothing behind it runs without one."""

from __future__ import annotations

from typing import Any

from functions import wiring
from tiro.key import BEARER, hash_key


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway's REQUEST authorizer; raising exactly `Unauthorized` is how it says 401."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    match = BEARER.fullmatch(headers.get("authorization") or "")
    owner = wiring.keys().owner_of(hash_key(match[1])) if match else None
    if owner is None:
        raise Exception("Unauthorized")  # API Gateway knows this one message
    return _allow(owner, event["methodArn"])


def _allow(owner: str, method_arn: str) -> dict[str, Any]:
    # The whole API: the answer is cached for this key and must fit the next call's route too.
    api, stage = method_arn.split("/")[:2]
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{api}/{stage}/*"}
    return {
        "principalId": owner,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"owner": owner},
    }
