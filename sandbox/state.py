"""The folder where a sandbox keeps everything: who runs, what was deployed, the emulator's own state."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


class SandboxError(Exception):
    """Why the sandbox cannot do it, and what to do about it: two sentences for a person."""


@dataclass(frozen=True)
class State:
    """The folder, by its parts."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def env(self) -> Path:
        return self.root / "env"

    @property
    def key(self) -> Path:
        return self.root / "key"

    @property
    def emulator(self) -> Path:
        return self.root / "emulator"

    @property
    def assembly(self) -> Path:
        return self.root / "assembly"

    @property
    def deployed(self) -> Path:
        return self.root / "deployed"  # fingerprint of the assembly that the stack was made from

    @property
    def heartbeat(self) -> Path:
        return self.root / "worker.alive"

    def log(self, name: str) -> Path:
        return self.root / f"{name}.log"

    def running(self) -> int | None:
        """Return the pid of the sandbox that runs on this folder, or None."""
        try:
            with self.lock.open() as file:
                if _locked(file.fileno()):
                    fcntl.flock(file, fcntl.LOCK_UN)
                    return None
                return int(file.read().strip() or 0)
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def hold(self, *, patience: float = 15.0) -> Iterator[int]:
        """Hold the folder, and yield the lock's file descriptor for children to inherit.

        A child that inherits it holds the folder too: after a kill -9 it stays held until the last one has
        ended, for which we wait up to `patience` seconds. Raises SandboxError when another sandbox runs.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            deadline = time.monotonic() + patience
            while not _locked(fd):
                pid = int(os.pread(fd, 32, 0).strip() or 0)
                if _alive(pid) or time.monotonic() > deadline:
                    raise SandboxError(
                        f"A sandbox already runs on {self.root} (process {pid}). Use that one, or stop it with "
                        f"`kill {pid}`; a second one needs another --state and --port."
                    )
                time.sleep(0.1)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
            yield fd
        finally:
            os.close(fd)

    def reset(self) -> None:
        """Remove everything. Raises SandboxError while a sandbox runs."""
        if self.root.exists():
            if not self.lock.exists():
                raise SandboxError(f"{self.root} is no sandbox's folder. Remove it yourself if you mean it.")
            with self.hold():
                shutil.rmtree(self.root)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    draft.replace(path)


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Write lines that a POSIX shell can source. None of our values needs quoting."""
    write_private(path, "".join(f"{name}={value}\n" for name, value in values.items()))


def read_env(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
