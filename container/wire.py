"""What a worker and its decoder say to each other: short frames over a socket that only the two of them hold."""

from __future__ import annotations

import select
import socket
import struct
import time
from enum import IntEnum

MOST_BYTES = 1024 * 1024
"""Of one frame. Whoever sends more is not who we think."""

_HEADER = struct.Struct("!BI")  # kind, bytes that follow


class Kind(IntEnum):
    BEGIN = 1  # to the decoder: JSON of container.decoder.Order
    READ = 2  # from it: two unsigned 64-bit numbers, the first byte and how many
    DATA = 3  # to it: those bytes, or as many as there are
    OPENED = 4  # from it: JSON, {"duration": seconds or null, "channels": [label, ...], "track": number,
    # "tracks": [container.tracks.Track, ...], "preference": [number, ...]}
    PCM = 5  # from it: mono float32 at 16 kHz, in this machine's byte order
    DONE = 6  # from it: JSON, {"warnings": [...]}
    FAILED = 7  # from it: JSON, {"code": ..., "detail": ...}


class Closed(Exception):
    """The other side is gone."""


class Quiet(Exception):
    """The other side said nothing for too long."""


class Wire:
    """One end. The socket's own buffer, a few seconds of sound, is all that may be on its way."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, kind: Kind, payload: bytes = b"", *, seconds: float | None = None) -> None:
        """Raises Closed, or Quiet when it is not taken within `seconds`."""
        self._sock.settimeout(seconds)
        try:
            self._sock.sendall(_HEADER.pack(kind, len(payload)) + payload)
        except TimeoutError:
            raise Quiet from None
        except OSError:
            raise Closed from None

    def wait(self, seconds: float) -> bool:
        """Wait until the other side sent something or closed. Return False after `seconds` without either."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def receive(self, *, seconds: float | None = None) -> tuple[Kind, bytearray]:
        """Return the next frame. Raises Closed, also for what is no frame, or Quiet when none is whole in `seconds`."""
        until = None if seconds is None else time.monotonic() + seconds
        kind, size = _HEADER.unpack(self._take(_HEADER.size, until))
        if kind not in Kind.__members__.values() or size > MOST_BYTES:
            raise Closed
        return Kind(kind), self._take(size, until)

    def close(self) -> None:
        self._sock.close()

    def _take(self, size: int, until: float | None) -> bytearray:
        taken = bytearray(size)
        view, done = memoryview(taken), 0
        while done < size:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise Quiet
            self._sock.settimeout(left)
            try:
                got = self._sock.recv_into(view[done:])
            except TimeoutError:
                raise Quiet from None
            except OSError:
                raise Closed from None
            if not got:
                raise Closed
            done += got
        return taken
