"""The command as a shell runs it: in a process of its own, its output piped or on a terminal."""

from __future__ import annotations

import os
import pty
import signal
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


def interrupted(*argv: str, lines: int) -> tuple[subprocess.CompletedProcess[bytes], bytes]:
    """Run it until it has said so many lines on standard error, then interrupt it; return how it ended, and those."""
    command = [sys.executable, "-m", "tiro.cli", *argv]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # behind a shell's & it is ignored, by children too
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        try:
            assert process.stderr
            told = b"".join(process.stderr.readline() for _ in range(lines))
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, out, err), told


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""
