"""Run one command, and see to it that nothing of it outlives whoever started us. Standard library only.

    python guard.py GRACE_SECONDS SIGNPOST COMMAND [ARGUMENT...]

Our standard input is a pipe whose other end only the sandbox holds. However the sandbox ends, kill -9
included, the system closes that pipe. We then take down the signpost (a file that tells others where the
command is; "-" for none), ask the command to stop and, when the grace is over, end the whole process group.
It works on Linux and macOS alike, and the emulator gets to save its state even when the sandbox could not
ask for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def main(grace: float, signpost: str, command: list[str]) -> int:
    """Return the command's exit status. Whoever starts us makes us the leader of a process group."""
    alone = threading.Event()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_the_pipe, args=(child, grace, signpost, alone), daemon=True).start()
    status = child.wait()
    if alone.is_set():
        _end_the_group()
    return status if status >= 0 else 128 - status  # as a shell says "ended by a signal"


def _end_with_the_pipe(child: subprocess.Popen[bytes], grace: float, signpost: str, alone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    alone.set()
    if signpost != "-":
        Path(signpost).unlink(missing_ok=True)
    child.terminate()
    time.sleep(grace)
    _end_the_group()


def _end_the_group() -> None:
    os.killpg(0, signal.SIGKILL)  # what the command left behind, and ourselves


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3:]))
