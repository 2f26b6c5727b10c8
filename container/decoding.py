"""A recording decoded in a process of its own, so that one that is meant to do harm fails its own job and no other.

What becomes of a decoder that dies: killed by a signal that the recording brought about (it crashed, used up its
processor time, wanted too much memory), it would die again, so the error is permanent. So is one that computes without
result, by its processor time and not by a clock: a slow or suspended host must not condemn a recording. An exception
in the decoder's own code is a defect of Tiro's, permanent too. Killed by SIGKILL, stopped, or ended in any other way it
was the machine (the kernel was out of memory, an operator), so another attempt may succeed, and attempts are counted.
"""

from __future__ import annotations

import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from container.audio import BLOCK, CONVERT, WHOLE, Part
from container.decoder import DEFECT, OUT_OF_MEMORY, READ, SILENCE, Order
from container.stall import Stall, StallWatch, process_cpu_seconds
from container.tracks import Track
from container.wire import MOST_BYTES, Closed, Kind, Quiet, Wire
from tiro.errors import (
    DecoderDefect,
    DecoderFailed,
    MediaEmpty,
    MediaHarmful,
    MediaTooLong,
    NoAudioTrack,
    NotAudio,
    PartNotThere,
    TiroError,
    TooManyChannels,
    TrackNotThere,
)
from tiro.ports import PCM, SAMPLE_RATE

DECODER = (sys.executable, "-E", "-s", "-m", "container.decoder")

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
"""All of it: whose credentials the worker has, a decoder never knew."""

_MEDIA_ERRORS = {
    error.code: error
    for error in (MediaEmpty, MediaTooLong, NoAudioTrack, NotAudio, PartNotThere, TooManyChannels, TrackNotThere)
}

REPORT = "Another attempt would end in the same way. Report it with the job's id; another format may work meanwhile."


@dataclass(frozen=True)
class DecoderTerms:
    """What one recording may cost."""

    memory_bytes: int = 1024**3  # of address space, beyond an idle decoder's
    quiet_seconds: float = 60.0  # of processor time between two blocks of sound, or of no activity at all
    cpu_share: float = 0.1  # seconds of a core for each second of sound that is allowed, and a minute beside


class Decoders:
    """Begins decoders, always one ahead, so that no job waits for an interpreter to start. Any thread may use it."""

    def __init__(self, terms: DecoderTerms | None = None, *, command: Sequence[str] = DECODER) -> None:
        self._terms, self._command = terms or DecoderTerms(), tuple(command)
        self._lock = threading.Lock()
        self._spare: _Decoder | None = None

    def open(self, file: BinaryIO, *, max_seconds: float, part: Part = WHOLE) -> Decoding:
        """Return a recording as `audio.Recording` would; raises what that raises, MediaHarmful, and DecoderFailed."""
        return Decoding(file, self._take(), self._terms, max_seconds=max_seconds, part=part)

    def warm_up(self) -> None:
        """Have one decode a moment of silence, and another ready. Raises DecoderFailed where none can be had."""
        with self.open(io.BytesIO(SILENCE), max_seconds=1) as recording:
            for _ in recording.blocks():
                pass

    def close(self) -> None:
        """End the one that waits. Those at work end with their recordings."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare:
            spare.end()

    def _take(self) -> _Decoder:
        with self._lock:
            ready, self._spare = self._spare, None
            if ready is None or not ready.alive:
                ready = _Decoder(self._command)
            self._spare = _Decoder(self._command)
        return ready


class Decoding:
    """One recording while it is decoded: `audio.Recording`'s twin, whose work is done elsewhere.

    Whatever `file.read` raises comes out unchanged.
    """

    def __init__(
        self, file: BinaryIO, decoder: _Decoder, terms: DecoderTerms, *, max_seconds: float, part: Part
    ) -> None:
        self._file, self._decoder, self._terms, self._max_seconds = file, decoder, terms, max_seconds
        skipped = terms.cpu_share * part.start  # what lies before the part wanted is decoded in silence
        self._stall = StallWatch(decoder.cpu_seconds, terms.quiet_seconds + skipped)
        self._written = 0  # samples given out
        self.warnings: tuple[str, ...] = ()  # what a person should know of the file, once it is read
        try:
            order = Order(
                size=self._size(),
                max_seconds=max_seconds,
                memory_bytes=terms.memory_bytes,
                cpu_seconds=int(60 + terms.cpu_share * max_seconds),
                part=part,
            )
            self._say(Kind.BEGIN, order.to_json())
            opened = json.loads(self._hear(Kind.OPENED)[1])
            duration = opened["duration"]
            self.duration: float | None = None if duration is None else float(duration)  # seconds, by its headers
            self._channels = tuple(map(str, opened["channels"]))
            self.track = int(opened["track"])  # by number, from 1
            self.tracks = tuple(Track(**track) for track in opened["tracks"])
            self.preference = [int(number) for number in opened["preference"]]  # of tracks that can be decoded
        except BaseException:
            decoder.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._decoder.end()

    @property
    def seconds(self) -> float:
        """Seconds of audio given out so far."""
        return self._written / SAMPLE_RATE

    def channels(self) -> tuple[str, ...]:
        """Return the labels of the channels, by number, where one of them was asked for."""
        return self._channels

    def blocks(self) -> Iterator[PCM]:
        """Yield mono float32 at SAMPLE_RATE, at most BLOCK samples at a time. Asked for nothing, it decodes nothing."""
        while True:
            kind, payload = self._hear(Kind.PCM, Kind.DONE)
            if kind is Kind.DONE:
                self.warnings = tuple(map(str, json.loads(payload)["warnings"]))
                return
            block = np.frombuffer(payload, np.float32)
            if not 0 < len(block) <= BLOCK:
                raise self._broken("said what no decoder says")
            self._written += len(block)
            if self.seconds > self._max_seconds:  # the decoder looks too, but it may not be itself any more
                raise MediaTooLong(f"The recording is longer than {self._max_seconds:.0f} s. Split it.")
            self._stall.progressed(self._terms.quiet_seconds)
            yield block

    # ------------------------------------------------------------ talking

    def _hear(self, *expected: Kind) -> tuple[Kind, bytearray]:
        """Return the next frame of an expected kind, and serve what is asked for until it comes."""
        while True:
            kind, payload = self._receive()
            if kind is Kind.READ and len(payload) == READ.size:
                self._serve(*READ.unpack(payload))
            elif kind is Kind.FAILED:
                raise self._failed(**json.loads(payload))
            elif kind in expected:
                return kind, payload
            else:
                raise self._broken("said what no decoder says")

    def _serve(self, start: int, size: int) -> None:
        self._file.seek(start)
        self._say(Kind.DATA, self._file.read(min(size, MOST_BYTES)))

    def _receive(self) -> tuple[Kind, bytearray]:
        """Return the next frame. What is counted is the child's own time, not ours nor that of the store."""
        wire = self._decoder.wire
        try:
            began = time.monotonic()
            while not wire.wait(self._stall.slice):
                if stall := self._stall.waited(time.monotonic() - began):
                    raise self._stalled(stall)
                began = time.monotonic()
            received = wire.receive(seconds=self._terms.quiet_seconds)
        except Quiet:
            raise self._stalled(self._stall.verdict()) from None
        except Closed:
            raise self._died() from None
        if stall := self._stall.waited(time.monotonic() - began):
            raise self._stalled(stall)
        return received

    def _say(self, kind: Kind, payload: bytes) -> None:
        try:
            self._decoder.wire.send(kind, payload, seconds=self._terms.quiet_seconds)
        except Quiet:
            raise self._stalled(self._stall.verdict()) from None
        except Closed:
            raise self._died() from None

    def _size(self) -> int:
        return self._file.seek(0, io.SEEK_END)

    # ------------------------------------------------------------ what went wrong

    def _failed(self, code: str, detail: str) -> TiroError:
        if code in _MEDIA_ERRORS:
            return _MEDIA_ERRORS[code](detail)
        if code == OUT_OF_MEMORY:
            mebibytes = self._terms.memory_bytes // 1024**2
            return MediaHarmful(f"The recording takes more than {mebibytes} MiB of memory to decode. {CONVERT}")
        if code == DEFECT:
            return DecoderDefect(f"Tiro's decoder has a defect: it ended with {_printable(detail)}. {REPORT}")
        return DecoderFailed(f"It ended with {_printable(detail)}.")

    def _stalled(self, stall: Stall | None) -> TiroError:
        self._decoder.end()
        if stall is Stall.BUSY:
            seconds = self._stall.limit
            return MediaHarmful(f"The decoder computed for {seconds:.0f} s and got no sound out of it. {CONVERT}")
        return self._broken("made no progress and got hardly any processor time: the host is overloaded or stopped it")

    def _died(self) -> TiroError:
        status = self._decoder.wait()
        if status == -signal.SIGXCPU:
            return MediaHarmful(f"The recording takes too much processor time to decode. {CONVERT}")
        if status < 0 and status != -signal.SIGKILL:
            return MediaHarmful(f"The recording makes the decoder crash ({signal.Signals(-status).name}). {CONVERT}")
        return self._broken("was killed" if status < 0 else f"ended with status {status}")

    def _broken(self, what: str) -> DecoderFailed:
        return DecoderFailed(f"It {what}.")


class _Decoder:
    """A process that waits for its order."""

    def __init__(self, command: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (the command is ours)
                [*command, str(theirs.fileno())],
                env=ENVIRONMENT,
                cwd=Path(__file__).parents[1],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # a library that writes something would write it about the recording
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.wire = Wire(ours)

    def cpu_seconds(self) -> float | None:
        return process_cpu_seconds(self._process.pid)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        """Return the exit status of one that has closed its end: it is dead, or will be in a moment."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(5)
        self.end()
        return self._process.returncode

    def end(self) -> None:
        self.wire.close()
        self._process.kill()
        self._process.wait()


def _printable(text: str) -> str:
    """Return what a decoder says of itself, short and harmless: a recording may speak through it."""
    return re.sub(r"[^\w.,:/ -]", "?", text[:100])
