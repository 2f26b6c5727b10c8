"""A speech engine that says what it is told to, and a voice detector that takes what is loud for speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from container.vad import Detector
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, HeardSegment, HeardWindow, HeardWord
from tiro.transcript import Engine

LONG_ENOUGH = " And so, my fellow Americans, ask not what your country can do for you."
"""Text for up to 18 s of speech."""

STORY = (
    " Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and"
    " nothing particular to interest me on shore, I thought I would sail about and see the watery part of the world."
)
"""Text for any window."""


def said(
    *segments: tuple[float, float, str], logprob: float = -0.3, silent: float = 0.1, complete: bool = True
) -> HeardWindow:
    """Return a window's text from (start, end, text) in seconds from its start."""
    return HeardWindow([HeardSegment(*segment) for segment in segments], logprob, silent, complete)


class FakeEngine:
    """Implements SpeechEngine with a script: one answer per window, in the order in which they are decoded.

    A script that is used up answers every window with a text that fills it.
    """

    def __init__(self, *script: HeardWindow | Exception, languages: Sequence[Mapping[str, float]] = ()) -> None:
        self._script = list(script)
        self._languages = list(languages)
        self.decoded: list[tuple[float, float]] = []  # seconds and temperature of each window
        self.batches: list[int] = []
        self.options: list[DecodeOptions] = []

    @property
    def info(self) -> Engine:
        return Engine(name="fake", version="1", model="none", model_sha256="0" * 64, compute_type="int8")

    def encode(self, windows: Sequence[PCM]) -> Any:
        return [len(pcm) / SAMPLE_RATE for pcm in windows]

    def detect_language(self, encoded: Any) -> Sequence[Mapping[str, float]]:
        return self._languages or [{"en": 0.9, "de": 0.1}] * len(encoded)

    def decode(self, encoded: Any, options: DecodeOptions) -> Sequence[HeardWindow]:
        self.options.append(options)
        self.batches.append(len(encoded))
        answers = []
        for seconds in encoded:
            self.decoded.append((round(seconds, 1), options.temperature))
            answer = self._script.pop(0) if self._script else said((0, seconds, STORY))
            if isinstance(answer, Exception):
                raise answer
            answers.append(answer)
        return answers

    def align(
        self, encoded: Any, heard: Sequence[HeardWindow], options: DecodeOptions
    ) -> Sequence[Sequence[Sequence[HeardWord]]]:
        """Each word of a segment takes as long as the others."""
        return [[_words(segment) for segment in window.segments] for window in heard]


def _words(segment: HeardSegment) -> list[HeardWord]:
    words = segment.text.split()
    step = (segment.end - segment.start) / max(1, len(words))
    return [
        HeardWord(segment.start + i * step, segment.start + (i + 1) * step, f" {word}", 0.9)
        for i, word in enumerate(words)
    ]


class LoudVad:
    state = ""

    def detector(self, state: str = "") -> Detector:
        return self

    def __call__(self, frames: Any) -> Any:
        return (np.abs(frames).max(axis=1) > 0.1).astype(np.float32)
