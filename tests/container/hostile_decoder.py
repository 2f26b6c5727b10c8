"""A decoder that a recording has got the better of: `python -m tests.container.hostile_decoder WHAT FD`.

It is the real one, but what the recording does to it is said by WHAT.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from container import decoder
from container.audio import BLOCK, Part
from container.tracks import Track
from tiro.ports import PCM


def _tries_to_get_out() -> None:
    """Raises where anything opens."""
    ways: list[Callable[[], Any]] = [
        lambda: open("/etc/hostname").close(),  # noqa: PTH123
        lambda: open("/proc/self/environ").close(),  # noqa: PTH123
        socket.socket,
        lambda: socket.create_connection(("127.0.0.1", 80)),
    ]
    for way in ways:
        with suppress(OSError):
            way()
            raise RuntimeError("it got out")
    if any(name.startswith(("AWS_", "TIRO_")) for name in os.environ):
        raise RuntimeError("it knows our credentials")


def _spin(seconds: float = 1e9) -> None:
    """Use so much processor time."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def _run_short() -> None:
    raise OSError(errno.EAGAIN, "no more threads")


def _work_slowly() -> None:
    """Compute a fifth of the time, as on a host with too much to do, for longer than a stopped child may be silent."""
    until = time.monotonic() + 3
    while time.monotonic() < until:
        rest = time.monotonic() + 0.02
        while time.monotonic() < rest:
            pass
        time.sleep(0.08)


DEEDS: dict[str, Callable[[], Any]] = {
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "be killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "eat memory": lambda: np.ones(1024**3, np.uint8),
    "be quiet": lambda: time.sleep(60),
    "spin": _spin,
    "exit": lambda: os._exit(3),
    "have a bug": lambda: dict[str, str]()["a"],
    "import": lambda: importlib.import_module("xmlrpc.server"),
    "use no such attribute": lambda: getattr(signal, "SIGNOTHING"),  # noqa: B009
    "run short": _run_short,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "work slowly": _work_slowly,
    "get out": _tries_to_get_out,
}


class Hostile:
    """Opened like an `audio.Recording`; gives one block of silence and then does its deed."""

    duration = 1.0
    warnings = ()
    track = 1
    tracks = (Track(1, decodable=True),)
    preference = (1,)

    def __init__(self, file: BinaryIO, *, max_seconds: float, part: Part) -> None:
        self._file = file
        file.read(10)

    def __enter__(self) -> Hostile:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def blocks(self) -> Iterator[PCM]:
        if sys.argv[1] == "spin a second before any sound":
            _spin(1)
        yield np.zeros(BLOCK, np.float32)
        if sys.argv[1] == "go on for ever":
            while True:
                yield np.zeros(BLOCK, np.float32)
        while sys.argv[1] == "read for ever":
            self._file.seek(0)
            self._file.read(1024**2)
        DEEDS.get(sys.argv[1], lambda: None)()
        yield np.zeros(BLOCK, np.float32)


if __name__ == "__main__":
    assert threading.active_count() == 1
    sys.exit(decoder.main(int(sys.argv[2]), Hostile))  # type: ignore[arg-type]
