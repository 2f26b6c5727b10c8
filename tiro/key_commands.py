"""`tiro keys create | list | revoke`: what an operator types, and what is said back.

Only the standard library is imported up here, as in tiro/cli.py.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tiro.key import ApiKey
    from tiro.ports import KeyStore

SCOPES = ("read", "transcribe", "webhooks")
"""tiro.key.Scope's, without the time it takes to import it. A test holds them together."""

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

REVOKED_WITHIN = 60
"""Seconds that API Gateway may remember a key for (infra.config.LONGEST_CACHE_SECONDS)."""


class Said(NamedTuple):
    out: str  # for standard output
    note: str = ""  # for the person


def add_key_commands(command: argparse.ArgumentParser) -> None:
    """Each sets `keys`, a function of the arguments that returns Said. Those raise TiroError."""
    commands = command.add_subparsers(metavar="COMMAND", required=True)
    create = commands.add_parser("create", help="make a key and print it", description="Make a key and print it.")
    create.add_argument("--owner", required=True, metavar="NAME", help="whose key it is: a-z, 0-9 and '-'")
    create.add_argument(
        "--scope",
        action="append",
        choices=SCOPES,
        help="what it opens, and may be said again; without it, all: read, transcribe, webhooks",
    )
    create.add_argument("--expires-in", type=_lifetime, metavar="TIME", help="such as 90d, 12h, 30m; else never")
    create.set_defaults(keys=create_key)
    list_ = commands.add_parser(
        "list", help="show which keys there are", description="Show which keys there are, and when each was used last."
    )
    list_.add_argument("--owner", metavar="NAME", help="only this one's")
    list_.set_defaults(keys=list_keys)
    revoke = commands.add_parser("revoke", help="close a key for good", description="Close a key for good.")
    revoke.add_argument("id", metavar="ID", help="as 'list' shows it: key_...")
    revoke.set_defaults(keys=revoke_key)


@contextmanager
def as_operator() -> Iterator[None]:
    """Say to who talks to AWS itself what is missing: boto3, credentials, a right. Raises NotConfigured."""
    from tiro.errors import NotConfigured

    try:
        from tiro.adapters.aws import asked_by_a_person

        with asked_by_a_person():
            yield
    except ModuleNotFoundError as error:
        if error.name not in {"boto3", "botocore"}:
            raise
        raise NotConfigured(
            "This command talks to AWS itself and needs boto3: in the checkout `.venv/bin/tiro` has it; elsewhere "
            "`pip install boto3`."
        ) from None


def create_key(args: argparse.Namespace) -> Said:
    from tiro import admin
    from tiro.key import ALL_SCOPES, ENTROPY_BYTES, Scope

    key, known = admin.create_key(
        _store(),
        args.owner,
        scopes=frozenset(map(Scope, args.scope)) if args.scope else ALL_SCOPES,
        lifetime=args.expires_in,
        at=datetime.now(UTC),
        entropy=secrets.token_bytes(ENTROPY_BYTES + admin.ID_BYTES),
    )
    until = f", until {_date(known.expires_at)}" if known.expires_at else ""
    return Said(
        f"{key}\n",
        f"{known.id}, a key for {known.owner}, opens {_scopes(known)}{until}. Only its hash is stored: "
        "nobody can show it to you again",
    )


def list_keys(args: argparse.Namespace) -> Said:
    now = datetime.now(UTC)
    rows = [("ID", "OWNER", "SCOPES", "CREATED", "LAST USED", "EXPIRES", "STATE")]
    for key in _store().list(args.owner):
        dates = (_date(key.created_at), _date(key.last_used_at), _date(key.expires_at))
        state = "revoked" if key.revoked_at else "open" if key.opens(at=now) else "expired"
        rows.append((key.id, key.owner, _scopes(key), *dates, state))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return Said("\n".join(lines) + "\n")


def revoke_key(args: argparse.Namespace) -> Said:
    key = _store().revoke(args.id, at=datetime.now(UTC))
    return Said("", f"{key.id} of {key.owner} is revoked; it may still open for up to {REVOKED_WITHIN} s")


def _store() -> KeyStore:
    from tiro import admin

    return admin.open_keys(os.environ, Path.cwd())


def _lifetime(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9]\d{0,5})([mhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90d, 12h or 30m")
    return int(match[1]) * UNITS[match[2]]


def _scopes(key: ApiKey) -> str:
    return ",".join(sorted(key.scopes)) or "nothing"


def _date(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "-"
