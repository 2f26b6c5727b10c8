"""What an operator does to a stack, with AWS credentials and not through its API. Needs the extra `admin`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tiro.adapters.aws import dynamodb_client_for
from tiro.adapters.dynamodb import DynamoDBKeyStore
from tiro.environ import find_environ
from tiro.errors import InvalidRequest
from tiro.key import hash_key, new_key
from tiro.request import OWNER_PATTERN


def create_key(owner: str, *, environ: Mapping[str, str], directory: Path, at: datetime, entropy: bytes) -> str:
    """Make a key for an owner and return it, this once: only its hash is stored. `entropy` is 32 random bytes.

    The table is TIRO_TABLE's, in the shell's environment or the running sandbox's.
    Raises InvalidRequest for an owner's name that cannot be one, NotConfigured, ServiceUnavailable.
    """
    if not re.fullmatch(OWNER_PATTERN, owner):
        raise InvalidRequest(
            f"{owner!r} cannot be an owner's name: use 1 to 63 of a-z, 0-9 and '-', with no '-' at either end."
        )
    found = find_environ(["TIRO_TABLE"], environ=environ, directory=directory)
    keys = DynamoDBKeyStore(dynamodb_client_for(found), found["TIRO_TABLE"])
    key = new_key(entropy)
    keys.add(hash_key(key), owner, at=at)
    return key
