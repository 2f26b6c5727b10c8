"""Is what was heard in a window believable? Each guard has a name, which ends in the transcript's `flags`."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import replace
from enum import StrEnum

from container.vad import Span
from container.windows import Window, clip
from tiro.ports import SAMPLE_RATE, HeardSegment, HeardWindow


class Flag(StrEnum):
    """The guards that can fire."""

    LOOP = "loop"  # the text repeats itself
    LOW_LOGPROB = "low_logprob"  # the model did not believe its own text
    NO_SPEECH = "no_speech"  # the model heard no speech
    LITTLE_VOICE = "little_voice"  # the voice detector heard hardly any
    SPARSE = "sparse"  # far less text than speech
    UNCOVERED = "uncovered"  # speech without text beside it


MAX_COMPRESSION = 2.4
MIN_LOGPROB = -1.0
MIN_NO_SPEECH = 0.6
"""Whisper's own three thresholds (openai/whisper, transcribe.py)."""

MAX_REPEATS = 8
"""The same one to six words so often in a row are a loop, until short windows have said the same."""

SHORT = 8.0
"""Seconds up to which a window is short: there, repetition at a speed that people can speak is believed."""

MAX_RATE = 25.0
"""Characters in a second of speech; the fastest speakers of any script stay below, and loops do not."""

MIN_VOICE = 0.1
"""The least share of a segment that the voice detector must agree is speech."""

MIN_DENSITY = 0.3
"""The same between the first and the last speech in it: people pause, music is taken for speech in flecks."""

MIN_BYTES_A_SECOND = 4.0
"""The least text, in UTF-8, for a second of speech; slow English has 10, and other scripts have more."""

CHANT = 3
"""The same words so often, and no others, are a second signal where the model heard no speech."""

SPARSE_SECONDS = 8.0
"""Seconds of speech from which too little text is worth a second look."""

OPEN_TAIL = 0.7
CLOSED_GAP = 2.0
"""Seconds of speech without text that are heard again: after a text that breaks off, or anywhere else."""


NO_BELIEF = -100.0
"""Log-probability of a text whose own is no number: lower than any that Whisper gives."""

NOT_KNOWN = 0.5
"""Probability that there is no speech, where the model gives none: it fires no guard, and absolves none."""


def finite(heard: HeardWindow) -> HeardWindow:
    """Return what was heard with numbers that guards can compare: every comparison with NaN is false.

    A text whose log-probability is no number, or whose probability of no speech is none, is not believed.
    """
    if math.isfinite(heard.avg_logprob) and math.isfinite(heard.no_speech_prob):
        return heard
    no_speech = heard.no_speech_prob if math.isfinite(heard.no_speech_prob) else NOT_KNOWN
    return replace(heard, avg_logprob=NO_BELIEF, no_speech_prob=no_speech)


def judge(window: Window, heard: HeardWindow) -> frozenset[Flag]:
    """Return the guards that fire for a window as a whole. UNCOVERED is `uncovered`'s to say."""
    text = text_of(heard)
    flags = set()
    short = len(window.pcm) <= SHORT * SAMPLE_RATE
    if _repetitive(text) and (not short or len(text) > MAX_RATE * window.speech):
        flags.add(Flag.LOOP)
    if text and heard.avg_logprob < MIN_LOGPROB:
        flags.add(Flag.LOW_LOGPROB)
    if heard.no_speech_prob > MIN_NO_SPEECH:
        flags.add(Flag.NO_SPEECH)
    spoken = sum(_voice(window, *window.samples(s)) for s in heard.segments) if text else window.speech
    if spoken > SPARSE_SECONDS and len(text.encode()) < MIN_BYTES_A_SECOND * spoken:
        flags.add(Flag.SPARSE)
    return frozenset(flags)


def invented(window: Window, segment: HeardSegment, flags: frozenset[Flag]) -> frozenset[Flag]:
    """Return the two or more guards by which a segment is taken for invented; empty: it stays.

    `flags` are those of its window, and LOOP where a longer window around it looped.
    """
    signals = flags & {Flag.NO_SPEECH, Flag.LOW_LOGPROB, Flag.LOOP}
    if _little_voice(window, segment):
        signals |= {Flag.LITTLE_VOICE}
    if Flag.NO_SPEECH in signals and _is_chant(segment.text):
        signals |= {Flag.LOOP}
    return signals if len(signals) > 1 else frozenset()


def uncovered(window: Window, heard: HeardWindow, *, closed: float = CLOSED_GAP) -> tuple[Span, ...]:
    """Return the stretches of speech, in samples of the recording, that no text stands for.

    They have at least `closed` seconds of speech; after a text that breaks off, OPEN_TAIL is enough.
    """
    gaps = []
    at = window.start
    for segment in heard.segments:
        start, end = window.samples(segment)
        gaps.append((at, start, closed))
        at = max(at, end)
    gaps.append((at, window.end, closed if heard.complete else OPEN_TAIL))
    return tuple(Span(start, end) for start, end, least in gaps if _voice(window, start, end) >= least)


def _little_voice(window: Window, segment: HeardSegment) -> bool:
    spans = clip(window.spans, *window.samples(segment))
    voice = sum(span.seconds for span in spans)
    between = Span(spans[0].start, spans[-1].end).seconds if spans else 0.0
    return voice < max(MIN_VOICE * (segment.end - segment.start), MIN_DENSITY * between) or not spans


def _is_chant(text: str) -> bool:
    """Whether a text is one run of words and nothing else: a hum can be heard as "woo woo woo"."""
    words = re.findall(r"\w+", text.lower())
    return len(words) >= CHANT and any(
        len(words) % size == 0 and words == words[:size] * (len(words) // size)
        for size in range(1, len(words) // CHANT + 1)
    )


def _voice(window: Window, start: int, end: int) -> float:
    """Return the seconds of detected speech between two samples of the recording."""
    return sum(span.seconds for span in clip(window.spans, start, end))


def _repetitive(text: str) -> bool:
    return compression_ratio(text) > MAX_COMPRESSION or repeats(text) >= MAX_REPEATS


def text_of(heard: HeardWindow) -> str:
    return "".join(segment.text for segment in heard.segments).strip()


def compression_ratio(text: str) -> float:
    """Return bytes of text over bytes of it compressed (openai/whisper, utils.py)."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def repeats(text: str) -> int:
    """Return how often in a row the most repeated run of one to six words stands in `text`."""
    words = re.findall(r"\w+", text.lower())
    most = 0
    for size in range(1, 7):
        row = 0
        for i in range(size, len(words)):
            row = row + 1 if words[i] == words[i - size] else 0
            most = max(most, row // size + 1)
    return most
