"""The worker as a child process: `python -m container`, begun again when it dies."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.processes import Child, Command
from sandbox.state import SandboxError

_LONGEST_PAUSE = 30.0
"""Seconds before a worker that keeps dying is begun again."""

_LONG_LIFE = 60.0
"""Seconds a worker lives before its death counts as the first."""


class Worker:
    """One worker, which a watcher keeps alive by calling `watch` now and then."""

    def __init__(self, command: Command, heartbeat: Path, lock: int, say: Callable[[str], None]) -> None:
        self._command, self._heartbeat, self._lock, self._say = command, heartbeat, lock, say
        self._deaths = 0
        self._again_at: float | None = None
        self._begin()

    def _begin(self) -> None:
        self._heartbeat.unlink(missing_ok=True)
        self._began, self._again_at = time.monotonic(), None
        self._child = Child(self._command, inherit=[self._lock])

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_ready(self, doing: Callable[[str], None]) -> None:
        """Wait for its first heartbeat, however long a model takes to come. Raises SandboxError when it ends."""
        while not self._heartbeat.exists():
            if self._child.poll() is not None:
                raise SandboxError(f"The worker did not start: {self._why()} See {self._command.log}.")
            if said := self._child.last_words(1):
                doing(f"worker: {_event(said)}")
            time.sleep(0.05)

    def watch(self) -> None:
        """Begin it again when it has died, after a pause that doubles with every death."""
        if self._again_at is None and (status := self._child.poll()) is not None:
            self._deaths = 1 if time.monotonic() - self._began > _LONG_LIFE else self._deaths + 1
            pause = min(2.0 ** (self._deaths - 1), _LONGEST_PAUSE)
            self._again_at = time.monotonic() + pause
            self._say(f"ended with status {status} ({self._why()}); begun again in {pause:.0f} s")
        elif self._again_at is not None and time.monotonic() >= self._again_at:
            self._begin()

    def stop(self) -> None:
        self._child.stop()

    def _why(self) -> str:
        return _event(self._child.last_words(1)) or "it said nothing."


def worker_command(root: Path, env: Mapping[str, str], log: Path) -> Command:
    """Return how a worker is begun. Its grace is what a transcription needs to be given back."""
    return Command("worker", [sys.executable, "-m", "container"], env, root, log)


def _event(line: str) -> str:
    """Return what a line of the worker's log says: JSON, or whatever a crash left there."""
    with contextlib.suppress(ValueError, AttributeError):
        said = json.loads(line)
        return str(said.get("detail") or said.get("event") or "")  # a metric says nothing to a person
    return line.strip()
