"""The decoder: a process that turns one recording into sound, and can do nothing else.

FFmpeg reads what strangers send, so it does it here: `python -m container.decoder FD`. The process holds no
credentials, asks its worker for every byte by a socket, and before the first one comes it gives up what it will not
need: it can open no file and no connection any more, write nothing, and have only so much memory and processor time.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import pkgutil
import resource
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from container.audio import Part, Recording
from container.wire import MOST_BYTES, Closed, Kind, Wire
from tiro.errors import MediaError, TiroError
from tiro.ports import SAMPLE_RATE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

READ = struct.Struct("!QQ")

READ_AHEAD = 256 * 1024
"""Bytes asked for at once: FFmpeg asks for 32 KiB, and each asking is a turn of two processes."""

OUT_OF_MEMORY = "out_of_memory"
"""The code of a recording that wanted more than there is; the worker knows what to make of it."""

SILENCE = (
    struct.pack("<4sI4s4sIHHII", b"RIFF", 36 + SAMPLE_RATE, b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE)
    + struct.pack("<HH4sI", 2, 16, b"data", SAMPLE_RATE)
    + bytes(SAMPLE_RATE)
)
"""A WAV file of half a second."""

DEFECT = "defect"
"""The code of an exception that the decoder's own code did not expect: a bug of ours, whatever the recording holds."""

Open = Callable[..., Recording]


@dataclass(frozen=True)
class Order:
    """What is to be decoded, and with how much."""

    size: int  # bytes
    max_seconds: float  # of sound
    memory_bytes: int  # beyond what an idle decoder has
    cpu_seconds: int
    part: Part

    @classmethod
    def from_json(cls, text: bytes | bytearray) -> Order:
        order = json.loads(text)
        return cls(**{**order, "part": Part(**order["part"])})

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()


class RemoteFile(io.RawIOBase):
    """The recording, read through the worker."""

    def __init__(self, wire: Wire, size: int) -> None:
        super().__init__()
        self._wire, self._size, self._position = wire, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        wanted = min(len(target), max(0, self._size - self._position), MOST_BYTES)
        if not wanted:
            return 0
        self._wire.send(Kind.READ, READ.pack(self._position, wanted))
        kind, data = self._wire.receive()
        if kind is not Kind.DATA or len(data) > wanted:
            raise Closed
        target[: len(data)] = data
        self._position += len(data)
        return len(data)


def serve(wire: Wire, open_recording: Open = Recording) -> None:
    """Decode the one recording that is asked for. Raises Closed when nobody listens any more."""
    kind, payload = wire.receive()
    if kind is not Kind.BEGIN:
        raise Closed
    try:
        order = Order.from_json(payload)
        confine(order)
        file = io.BufferedReader(RemoteFile(wire, order.size), READ_AHEAD)
        with open_recording(file, max_seconds=order.max_seconds, part=order.part) as recording:
            channels = () if order.part.channel is None else recording.channels()
            _tell(
                wire,
                Kind.OPENED,
                duration=recording.duration,
                channels=channels,
                track=recording.track,
                tracks=[asdict(track) for track in recording.tracks],
                preference=recording.preference,
            )
            for block in recording.blocks():
                wire.send(Kind.PCM, block.astype(np.float32, copy=False).tobytes())
            _tell(wire, Kind.DONE, warnings=recording.warnings)
    except Closed:
        raise
    except MediaError as error:
        _tell(wire, Kind.FAILED, code=error.code, detail=str(error))
    except MemoryError:
        _tell(wire, Kind.FAILED, code=OUT_OF_MEMORY, detail="")
    except Exception as error:  # noqa: BLE001  (its name and place must reach a person who can repair it)
        code = TiroError.code if _is_shortage(error) else DEFECT
        _tell(wire, Kind.FAILED, code=code, detail=f"{type(error).__name__} {_place(error)}")


def _is_shortage(error: Exception) -> bool:
    """Whether the machine had too little of something, such as threads: another attempt may succeed."""
    return isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EINTR)


def _place(error: Exception) -> str:
    """Return the file and line that raised it, of an import that failed the one that imports."""
    place, trace = "", error.__traceback__
    while trace:  # by hand: the traceback module opens source files
        if not (name := trace.tb_frame.f_code.co_filename).startswith("<"):
            place = f"in {Path(name).name} line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def confine(order: Order) -> None:
    """Give up for good what decoding does not need. What is open stays open: the socket."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime) + 1 + order.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))  # SIGXCPU says why; SIGKILL at the hard one does not
    limits = {
        resource.RLIMIT_AS: _address_space() + order.memory_bytes,
        resource.RLIMIT_NOFILE: 0,  # no file, no socket, no library can be opened
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def warm_up() -> None:
    """Import all of PyAV and decode a moment of silence, so that nothing is left to be loaded after `confine`.

    PyAV imports what a stream or a codec needs when it meets one: of a subtitle track, in a process that can open no
    file any more. All of it takes 18 ms of processor time and 4 MiB of address space.
    """
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name != "av.__main__":  # a program
            importlib.import_module(module.name)
    with Recording(io.BytesIO(SILENCE), max_seconds=1) as recording:
        for _ in recording.blocks():
            pass


def _address_space() -> int:
    """Return the bytes that this process has mapped; libraries and their arenas are most of it."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _tell(wire: Wire, kind: Kind, **said: Any) -> None:
    wire.send(kind, json.dumps(said).encode())


def main(descriptor: int, open_recording: Open = Recording) -> int:
    """Wait for an order, carry it out, and end."""
    with socket.socket(fileno=descriptor) as sock:
        warm_up()
        try:
            serve(Wire(sock), open_recording)
        except Closed:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
