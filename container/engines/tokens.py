"""What Whisper's tokens say: text between points in time. One reading for every engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tiro.ports import HeardSegment

FRAMES = 3000
"""Mel frames of a window, 10 ms each (openai/whisper, audio.py: N_FRAMES)."""

TIMESTAMP = 0.02
"""Seconds between two timestamp tokens, and between two states of the encoder (openai/whisper, tokenizer.py)."""

MAX_TOKENS = 448
"""Prompt and text together (openai/whisper, n_text_ctx)."""

MAX_SAMPLED = MAX_TOKENS // 2
"""Tokens that one window may say (openai/whisper, decoding.py: sample_len)."""

MAX_PROMPT = MAX_TOKENS - MAX_SAMPLED - 4
"""Tokens that may be told before a window: with the three or four that start it, the text still has its room."""


class Tokens(Protocol):
    """What the tokenizers of both packages have."""

    @property
    def eot(self) -> int:
        """The end of the text. Below it are tokens of text, above it special ones."""
        ...

    @property
    def timestamp_begin(self) -> int:
        """0.00 s; above it is the rest of the window."""
        ...

    @property
    def sot_prev(self) -> int:
        """What is told before a window begins with it."""
        ...

    @property
    def sot_sequence(self) -> Sequence[int]:
        """The start of a window: its language and task."""
        ...

    def decode(self, tokens: list[int]) -> str: ...


def prompt_of(tokenizer: Tokens, before: str, encode: Callable[[str], Sequence[int]]) -> list[int]:
    """Return the tokens that start a window, after what is told before it: of that, the end."""
    if not before.strip():
        return list(tokenizer.sot_sequence)
    told = [token for token in encode(" " + before.strip()) if token < tokenizer.eot]
    return [tokenizer.sot_prev, *told[-MAX_PROMPT + 1 :], *tokenizer.sot_sequence]


def read_segments(tokens: Sequence[int], tokenizer: Tokens, seconds: float) -> tuple[list[HeardSegment], bool]:
    """Split a window of `seconds` at its timestamp tokens; also return whether the last of them closed it."""
    segments: list[HeardSegment] = []
    text: list[int] = []
    start, times = 0.0, 0  # of the open text; timestamps in a row
    for token in [*tokens, tokenizer.eot]:
        if token < tokenizer.eot:
            text.append(token)
            times = 0
            continue
        end = seconds if token == tokenizer.eot else min((token - tokenizer.timestamp_begin) * TIMESTAMP, seconds)
        if tokenizer.eot < token < tokenizer.timestamp_begin:
            continue  # a special token that should have been suppressed
        if text:
            segments.append(HeardSegment(start, max(start, end), tokenizer.decode(text), tuple(text)))
        if token == tokenizer.eot:
            break
        start, times, text = end, times + 1, []
    return segments, times == 1 and not text
