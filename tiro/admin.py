"""What an operator does to a stack, with AWS credentials and not through its API. Needs the extra `admin`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from tiro.adapters.aws import dynamodb_client_for
from tiro.adapters.dynamodb import DynamoDBKeyStore
from tiro.adapters.stack import cloudformation_client, read_outputs
from tiro.environ import find_environ
from tiro.errors import InvalidRequest, NotConfigured
from tiro.key import ALL_SCOPES, ENTROPY_BYTES, ApiKey, Scope, hash_key, new_key, new_key_id
from tiro.ports import KeyStore
from tiro.request import OWNER_PATTERN
from tiro.settings import variable

ID_BYTES = 8

TOLD = {
    "TableName": "table",
    "QueueUrl": "queue_url",
    "BatchQueueUrl": "batch_queue_url",
    "FetchQueueUrl": "fetch_queue_url",
    "MediaBucket": "media_bucket",
    "TranscriptBucket": "transcript_bucket",
}
"""Outputs of the service stack, by the settings that they are."""


def open_keys(environ: Mapping[str, str], directory: Path) -> KeyStore:
    """Return the keys of TIRO_TABLE, named in the shell's environment or the running sandbox's.

    Raises NotConfigured.
    """
    found = find_environ(["TIRO_TABLE"], environ=environ, directory=directory)
    return DynamoDBKeyStore(dynamodb_client_for(found), found["TIRO_TABLE"])


def find_stack(name: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment by which `tiro` reaches a deployed stack, by its domain where it has one, and what
    `tiro keys` and `tiro admin` need.

    Raises NotConfigured when there is no such stack, ServiceUnavailable.
    """
    client = cloudformation_client(environ)
    service = read_outputs(client, f"{name}-service")
    if service is None:
        raise NotConfigured(
            f"There is no stack {name}-service in {client.meta.region_name}, in this account. AWS_REGION names another "
            "region, AWS_PROFILE another account."
        )
    edge = read_outputs(client, f"{name}-edge") or {}
    told = {variable(setting): service[output] for output, setting in TOLD.items() if output in service}
    return {"TIRO_API_URL": edge.get("Url", service["ApiUrl"]), **told}


def create_key(
    keys: KeyStore,
    owner: str,
    *,
    scopes: frozenset[Scope] = ALL_SCOPES,
    lifetime: timedelta | None = None,
    at: datetime,
    entropy: bytes,
) -> tuple[str, ApiKey]:
    """Make a key for an owner. Return it, this once, and what is known of it: only its hash is stored.

    `entropy` is 40 random bytes. Raises InvalidRequest for an owner's name that cannot be one, ServiceUnavailable.
    """
    if not re.fullmatch(OWNER_PATTERN, owner):
        raise InvalidRequest(
            f"{owner!r} cannot be an owner's name: use 1 to 63 of a-z, 0-9 and '-', with no '-' at either end."
        )
    key = new_key(entropy[:ENTROPY_BYTES])
    known = ApiKey(
        id=new_key_id(entropy[ENTROPY_BYTES:]),  # not made of the key's own bytes: an id is shown to anybody
        owner=owner,
        scopes=scopes,
        created_at=at,
        expires_at=at + lifetime if lifetime else None,
    )
    keys.add(hash_key(key), known)
    return key, known
