"""Which stack a command talks to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tiro.client import Client, Memory


class Found(NamedTuple):
    url: str
    key: str


def find_stack() -> Found:
    """Raises NotConfigured."""
    from tiro.environ import CALLERS, find_environ

    needed = ["TIRO_API_URL", "TIRO_API_KEY"]
    found = find_environ(needed, environ=os.environ, directory=Path.cwd(), otherwise=CALLERS)
    return Found(found["TIRO_API_URL"], found["TIRO_API_KEY"])


def known_url() -> str:
    """Return the address that a complaint is about; nothing where none is known."""
    from tiro.errors import NotConfigured

    try:
        return find_stack().url
    except NotConfigured:
        return ""


def open_client() -> Client:
    """Raises NotConfigured, KeyRefused."""
    from tiro.client import Client

    return Client(*find_stack())


def open_memory() -> Memory:
    from tiro.client import Memory, state_directory

    return Memory(state_directory(os.environ, Path.home()))
