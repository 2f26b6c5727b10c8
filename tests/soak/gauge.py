"""What a worker holds: memory, files, threads and children, of it and all that it began."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True)
class Held:
    """At one moment, by one worker and its children together."""

    at: float  # seconds since the soak began
    worker: str
    memory: float  # MB that are its alone, and its part of what is shared (PSS)
    files: int  # descriptors open
    threads: int
    processes: int
    temporary: int  # files in its temporary folder
    cpu: float  # seconds that it used so far; those of children that ended count too


def measure(worker: str, pid: int, folder: Path, at: float) -> Held | None:
    """Return None of a worker that is gone."""
    try:
        family = list(family_of(pid))
        return Held(
            at=round(at, 1),
            worker=worker,
            memory=round(sum(map(_memory, family)), 1),
            files=sum(_count(each, "fd") for each in family),
            threads=sum(_count(each, "task") for each in family),
            processes=len(family),
            temporary=sum(1 for path in folder.rglob("*") if path.is_file()),
            cpu=round(_cpu(pid), 2),
        )
    except (FileNotFoundError, ProcessLookupError):  # one of them has just ended
        return None


def family_of(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants. Raises OSError when one of them ends meanwhile."""
    yield pid
    for task in (PROC / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family_of(int(child))


def _count(pid: int, what: str) -> int:
    return sum(1 for _ in (PROC / str(pid) / what).iterdir())


def _memory(pid: int) -> float:
    lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _cpu(pid: int) -> float:
    """Return user and system time, its own and its ended children's (proc(5), stat, fields 14 to 17)."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS
