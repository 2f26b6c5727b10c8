"""Child processes that end when we end, whichever way that is. `guard.py` does the hard half."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")


@dataclass(frozen=True)
class Command:
    """What to run. Its output is appended to `log`."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    grace: float = 10.0  # seconds between being asked to stop and being stopped
    signpost: Path | None = None  # a file that leads others to it, and is removed before it stops


class Child:
    """A running command with all that it starts: one process group, behind a guard."""

    def __init__(self, command: Command, *, inherit: Sequence[int] = ()) -> None:
        """Start it. `inherit` are file descriptors that the guard keeps open while anything runs."""
        self.command = command
        orders = [str(command.grace), str(command.signpost or "-"), *command.argv]
        with command.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *orders],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=command.cwd,
                env=dict(command.env),
                pass_fds=inherit,
                start_new_session=True,  # Ctrl-C is for us; we stop the children in our own order
            )

    @property
    def pid(self) -> int:
        """The guard's, which is also the process group's."""
        return self._guard.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        status = self._guard.poll()
        if status is not None:
            self._sweep()
        return status

    def wait(self) -> int:
        self._guard.wait()
        self._sweep()
        return self._guard.returncode

    def stop(self) -> None:
        """Ask it to stop, then see that it did. May be called at any time, and again."""
        self._let_go()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(self.command.grace + 2)
        self._sweep()
        self._guard.wait()

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log, for a message about its death."""
        with contextlib.suppress(OSError):
            return "\n".join(self.command.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _let_go(self) -> None:
        """Close the pipe that the guard watches."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()

    def _sweep(self) -> None:
        """End what is left of the group; the command may have left children of its own."""
        self._let_go()
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
            os.killpg(self.pid, signal.SIGKILL)


def plain_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without what would lead a child to another AWS account, proxy or Tiro."""
    ours = {name: value for name, value in environ.items() if not name.startswith(("AWS_", "TIRO_", "PYTHON"))}
    return ours | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
