"""Who hears: a recording from end to end, or Whisper on one window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tiro.checkpoint import Stretch
from tiro.job import Media
from tiro.request import Options
from tiro.transcript import Engine, Transcript

PCM = Any
"""A numpy array of float32, shape (samples,), mono at SAMPLE_RATE, each about -1 to 1."""

SAMPLE_RATE = 16_000
"""Hz; what Whisper hears (openai/whisper, audio.py)."""

WINDOW_SECONDS = 30.0
"""The longest stretch Whisper hears at once (openai/whisper, audio.py: CHUNK_LENGTH)."""


class OnProgress(Protocol):
    def __call__(self, done: float, total: float | None) -> None:
        """`done` and `total` are seconds of audio. May raise, to stop the work: LeaseLost, Interrupted."""
        ...


class Checkpoint(Protocol):
    """What was heard of one recording for good, by this attempt and by those before it."""

    @property
    def stretches(self) -> Sequence[Stretch]:
        """What earlier attempts heard, in order and without a gap."""
        ...

    def add(self, stretch: Stretch) -> None:
        """Note what follows. It may be kept in memory for a while before it is written."""
        ...


class Transcriber(Protocol):
    """Hears one recording to the end: decodes, cuts, transcribes, judges, stitches. Many threads may use one."""

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        """Go on where `checkpoint` ends; each stretch is added to it as soon as all before it is heard for good.

        The transcript is the same wherever and however often the way to it was left and taken up again.
        Raises MediaError when it cannot be heard, TransientError when trying again may help.
        """
        ...


@dataclass(frozen=True)
class DecodeOptions:
    """How one batch of windows is decoded; the same for every window in it."""

    language: str  # Whisper's code
    task: str = "transcribe"
    prompt: str = ""  # told before each window, as if it had been said: names, spelling, style
    beam_size: int = 5  # used at temperature 0
    temperature: float = 0.0  # above 0: sampled
    seed: int = 0  # of the sampling, the same in each window

    @property
    def written(self) -> str:
        """Whisper's code of the language that is written: a translation is English."""
        return "en" if self.task == "translate" else self.language


@dataclass(frozen=True)
class HeardSegment:
    """A segment of one window, in seconds from the window's start."""

    start: float
    end: float
    text: str
    tokens: tuple[int, ...] = ()  # the engine's own, of this text; what `align` needs


@dataclass(frozen=True)
class HeardWord:
    """A word of a segment with the marks beside it, in seconds from the window's start."""

    start: float
    end: float
    text: str  # with the space before it
    probability: float  # mean over its tokens


@dataclass(frozen=True)
class HeardWindow:
    """What an engine heard in one window."""

    segments: Sequence[HeardSegment]
    avg_logprob: float
    no_speech_prob: float
    complete: bool  # False: the text ends in an open timestamp, more may have been said


class SpeechEngine(Protocol):
    """Whisper on single windows of at most 30 s. Everything longer is cut and stitched above it."""

    @property
    def info(self) -> Engine: ...

    def encode(self, windows: Sequence[PCM]) -> Any:
        """Return encoded windows; only this engine's other methods know what they are."""
        ...

    def detect_language(self, encoded: Any) -> Sequence[Mapping[str, float]]:
        """Return, for each window, the probability of each language by Whisper's code."""
        ...

    def decode(self, encoded: Any, options: DecodeOptions) -> Sequence[HeardWindow]:
        """Raises InvalidRequest for a language that this model does not know."""
        ...

    def align(
        self, encoded: Any, heard: Sequence[HeardWindow], options: DecodeOptions
    ) -> Sequence[Sequence[Sequence[HeardWord]]]:
        """Return, for each window and each of its segments, its words; together they are the segment's text.

        `heard` is what `decode` made of the same windows with the same options. A window without segments costs
        nothing.
        """
        ...
