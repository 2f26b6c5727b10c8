"""The command as a shell runs it: in a process of its own, its output piped or on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]


def environment(**more: str) -> dict[str, str]:
    """As a user's shell has it: standard output is buffered, which is where a closed pipe bites twice."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "", **more}


def tiro(*argv: str, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "tiro.cli", *argv]
    return subprocess.run(command, stdin=stdin, capture_output=True, timeout=60, env=environment())


def on_terminal(*argv: str) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """Run it where standard error is a terminal; return how it ended, and all that was shown there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tiro.cli", *argv]
    env = environment(TERM="xterm", COLUMNS="100")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    out, _ = process.communicate(timeout=30)
    return subprocess.CompletedProcess(command, process.returncode, out), shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""
