"""A full disk, for one worker and its decoders: a file may grow no more, and nobody else feels it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

NO_DISK = 1024
"""Bytes that a file may have, once the disk is full."""


def fill(pid: int, full: bool) -> None:
    """Fill a process's disk, and its children's; or make room. A decoder at work may write nothing in either case."""
    for each in (pid, *children(pid)):
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(each, resource.RLIMIT_FSIZE)
            most = hard if hard != resource.RLIM_INFINITY and hard < NO_DISK else NO_DISK
            resource.prlimit(each, resource.RLIMIT_FSIZE, (most if full else hard, hard))


def children(pid: int) -> Iterator[int]:
    """Yield the processes that a process began and that are still there."""
    for found in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, parent, *_ = found.read_text().rpartition(")")[2].split()  # after the name: its state, its parent
            if int(parent) == pid:
                yield int(found.parent.name)
