"""Where somebody speaks: Silero VAD over a stream, and speech spans out of its probabilities."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import numpy as np

from tiro.ports import PCM, SAMPLE_RATE

FRAME = 512
"""Samples that get one probability: 32 ms, what Silero VAD was trained on at 16 kHz."""

CONTEXT = 64
"""Samples of the frame before that each frame is seen with (snakers4/silero-vad, utils_vad.py)."""

MEMORY = 128
"""Numbers in each of the two states that the model carries from frame to frame."""

STATE = 2 * MEMORY + CONTEXT
"""Numbers that say all that a detector remembers."""

GROUP = 64
"""Frames per call of the model: always the same, so that cutting the stream differently changes no bit of it."""


class Detector(Protocol):
    """Frames of one recording in order, their speech probabilities out."""

    def __call__(self, frames: Any) -> Any:
        """Take float32 of shape (n, FRAME), return float32 of shape (n,), each 0 to 1."""
        ...

    @property
    def state(self) -> str:
        """All that it remembers of the frames so far."""
        ...


class Vad(Protocol):
    """Something that can tell speech from the rest, for any number of recordings."""

    def detector(self, state: str = "") -> Detector:
        """Return a detector for one recording, or for the rest of one, from where another had this `state`."""
        ...


class SileroModel:
    """Silero VAD v6, loaded once and shared; it keeps no state between recordings."""

    def __init__(self) -> None:
        # Also where no environment was made for us: whose speech this is, nobody but its owner is to know of it.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        model = resources.files("faster_whisper.assets").joinpath("silero_vad_v6.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def detector(self, state: str = "") -> Detector:
        return _Silero(self._session, state)


class _Silero:
    def __init__(self, session: Any, state: str) -> None:
        self._session = session
        known = np.frombuffer(base64.b64decode(state), np.float32) if state else np.zeros(STATE, np.float32)
        h, c, context = np.split(known, [MEMORY, 2 * MEMORY])
        self._h, self._c = h.reshape(1, 1, MEMORY), c.reshape(1, 1, MEMORY)
        self._context = context.reshape(1, CONTEXT)

    @property
    def state(self) -> str:
        known = np.concatenate([self._h.reshape(-1), self._c.reshape(-1), self._context.reshape(-1)])
        return base64.b64encode(known.astype(np.float32).tobytes()).decode()

    def __call__(self, frames: Any) -> Any:
        contexts = np.concatenate([self._context, frames[:-1, -CONTEXT:]])
        self._context = frames[-1:, -CONTEXT:].copy()
        seen = np.concatenate([contexts, frames], axis=1)
        probabilities, self._h, self._c = self._session.run(None, {"input": seen, "h": self._h, "c": self._c})
        return probabilities.reshape(-1)


@dataclass(frozen=True)
class Span:
    """A stretch of speech, in samples of the recording."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / SAMPLE_RATE


@dataclass(frozen=True)
class VadOptions:
    """When speech begins and ends.

    Lower thresholds than Silero's own (0.5, 0.35): a word lost here is lost for good, while a noise let
    through is still judged by Whisper.
    """

    begin: float = 0.4  # a frame at least this probable begins speech
    end: float = 0.2  # only frames below this are silence again
    min_silence: int = 10 * FRAME  # samples of silence that end a span
    min_speech: int = 3 * FRAME  # samples; a shorter span is a click


class SpanTracker:
    """Turns a stream of probabilities into spans, each as soon as it is over."""

    def __init__(
        self,
        options: VadOptions | None = None,
        *,
        frame: int = 0,
        open_since: int | None = None,
        silent_since: int | None = None,
    ) -> None:
        """Begin at the start of a recording, or go on at a `frame` as another was there."""
        self._options = options or VadOptions()
        self._frame = frame
        self._start = open_since  # of the span that is open
        self._silent_since = silent_since

    @property
    def open_since(self) -> int | None:
        """The first sample of a span that is not over yet."""
        return self._start

    @property
    def silent_since(self) -> int | None:
        """The first sample of the silence in which that span may end."""
        return self._silent_since

    def feed(self, probabilities: PCM) -> Iterator[Span]:
        """Take the next frames' probabilities, shape (n,); yield the spans that ended in them."""
        for probability in probabilities.tolist():
            at = self._frame * FRAME
            self._frame += 1
            if probability >= self._options.begin:
                self._start = at if self._start is None else self._start
                self._silent_since = None
            elif self._start is not None and probability < self._options.end:
                self._silent_since = at if self._silent_since is None else self._silent_since
                if at + FRAME - self._silent_since >= self._options.min_silence:
                    yield from self._close(self._silent_since)

    def finish(self, length: int) -> Iterator[Span]:
        """The recording is over after `length` samples: yield the span that was still open."""
        if self._start is not None:
            end = length if self._silent_since is None else self._silent_since
            yield from self._close(min(end, length))

    def _close(self, end: int) -> Iterator[Span]:
        assert self._start is not None  # noqa: S101 - only an open span is closed
        span = Span(self._start, end)
        self._start = self._silent_since = None
        if span.end - span.start >= self._options.min_speech:
            yield span
