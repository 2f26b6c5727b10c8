"""What becomes of one recording's windows: they are judged, redone by what cures them, and stitched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from container.judge import SHORT, Flag, compression_ratio, invented, judge, text_of, uncovered
from container.windows import PAD, Window, best_pause, clip, quietest
from tiro.language import to_bcp47
from tiro.ports import SAMPLE_RATE, DecodeOptions, HeardSegment, HeardWindow
from tiro.transcript import DroppedSegment, Engine, Segment, Transcript

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures tried one after another while the text is not believable (openai/whisper, transcribe.py)."""

EDGE = SAMPLE_RATE // 10
"""Samples that a segment may begin before its speech and end after it."""

NO_LANGUAGE = "zxx"
"""The BCP 47 tag of what is no language (ISO 639-2)."""

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Whisper's codes of the languages written without spaces (openai/whisper, tokenizer.py)."""


@dataclass(frozen=True)
class Attempt:
    """A window to be decoded, and what became of it so far."""

    window: Window
    step: int = 0  # on the ladder
    flags: frozenset[Flag] = frozenset()  # that fired on the way here
    around: frozenset[Flag] = frozenset()  # LOOP, where a longer window around it looped
    best: Result | None = None  # the most believable text so far

    def again(self, flags: frozenset[Flag], **changes: Any) -> Attempt:
        return replace(self, flags=self.flags | flags, **changes)


@dataclass(frozen=True)
class Result:
    """What was heard in a window, and what the guards say of it."""

    heard: HeardWindow
    flags: frozenset[Flag]
    temperature: float

    @property
    def belief(self) -> tuple[bool, float]:
        """Of two results the greater is the better: no loop first, then Whisper's own certainty."""
        return Flag.LOOP not in self.flags, self.heard.avg_logprob


@dataclass(frozen=True)
class Outcome:
    """What an attempt came to: segments that stay, and what must be decoded again. Often only one of them."""

    segments: tuple[Segment, ...] = ()
    again: tuple[Attempt, ...] = ()


@dataclass(frozen=True)
class Known:
    """What was found out of a recording as a whole."""

    language: str  # Whisper's code; empty: not yet
    probability: float | None  # of a language that was detected


class Hearing:
    """One recording while it is heard: how its windows are decoded, and what becomes of them.

    It knows neither an engine nor an order: whoever decodes asks for the `options` of an attempt, has `detect` choose
    the language while they name none, and hands the answer to `settle`.
    """

    def __init__(self, options: DecodeOptions, known: Known | None = None) -> None:
        self._options = replace(options, language=known.language) if known else options
        self._probability = known.probability if known else None  # of a language that was detected

    @property
    def known(self) -> Known:
        """What must be known to hear the rest of the recording as it would have been."""
        return Known(self._options.language, self._probability)

    def options(self, attempt: Attempt) -> DecodeOptions:
        """Return how to decode it; what has equal options may share a batch. No language: `detect` comes first."""
        return replace(self._options, temperature=LADDER[attempt.step])

    def detect(self, first: Sequence[Attempt], chances: Sequence[Mapping[str, float]]) -> None:
        """Choose the likeliest language of the first windows, each weighted by its speech."""
        weights = [attempt.window.speech for attempt in first]
        sums: Counter[str] = Counter()
        for weight, window in zip(weights, chances, strict=True):
            sums.update({language: weight * chance / sum(weights) for language, chance in window.items()})
        ((language, self._probability),) = sums.most_common(1)
        self._options = replace(self._options, language=language)

    def settle(self, attempt: Attempt, heard: HeardWindow) -> Outcome:
        """Keep a text, or choose what may cure it: shorter windows first, then the ladder."""
        window = attempt.window
        result = Result(heard, judge(window, heard), LADDER[attempt.step])
        flags = result.flags
        best = max(filter(None, (attempt.best, result)), key=lambda r: r.belief)
        silent = flags >= {Flag.NO_SPEECH, Flag.LOW_LOGPROB}  # Whisper would not try again, nor do we
        if (
            flags & {Flag.LOOP, Flag.SPARSE}
            and attempt.step == 0
            and len(window.pcm) > SHORT * SAMPLE_RATE
            and not silent
        ):
            around = attempt.around | (flags & {Flag.LOOP})
            return Outcome(again=tuple(attempt.again(flags, window=half, around=around) for half in _halves(window)))
        if flags & {Flag.LOOP, Flag.LOW_LOGPROB} and not silent and attempt.step + 1 < len(LADDER):
            return Outcome(again=(attempt.again(flags, step=attempt.step + 1, best=best),))
        kept = best if flags & {Flag.LOOP, Flag.LOW_LOGPROB} else result
        return Outcome(tuple(_segments(attempt, kept)), tuple(_unsaid(attempt, kept)))

    def transcript(
        self, segments: Iterable[Segment], *, duration: float, warnings: tuple[str, ...], engine: Engine
    ) -> Transcript:
        """Stitch what was heard together, in the order in which it was said. `duration` in seconds."""
        heard = sorted(segments, key=lambda s: (s.start, s.end))
        kept = tuple(s for s in heard if not isinstance(s, DroppedSegment))
        language = self._options.language
        return Transcript(
            text=("" if language in UNSPACED else " ").join(s.text for s in kept),
            language=to_bcp47(language) if kept else NO_LANGUAGE,
            language_probability=self._probability if kept else None,
            duration=round(duration, 3),
            no_speech=not kept,
            segments=kept,
            dropped=tuple(s for s in heard if isinstance(s, DroppedSegment)),
            warnings=warnings,
            engine=engine,
        )


def _segments(attempt: Attempt, result: Result) -> Iterator[Segment]:
    window = attempt.window
    ratio = compression_ratio(text_of(result.heard))
    for heard in result.heard.segments:
        if not heard.text.strip():
            continue
        against = invented(window, heard, result.flags | attempt.around)
        start, end = _times(window, heard)
        kind = DroppedSegment if against else Segment
        yield kind(
            start=start,
            end=end,
            text=heard.text.strip(),
            avg_logprob=round(result.heard.avg_logprob, 4),
            no_speech_prob=round(result.heard.no_speech_prob, 4),
            compression_ratio=round(ratio, 3),
            temperature=result.temperature,
            flags=tuple(sorted(attempt.flags | result.flags | against)),
        )


def _unsaid(attempt: Attempt, result: Result) -> Iterator[Attempt]:
    """Yield what no text stands for, to be heard apart."""
    for stretch in uncovered(attempt.window, result.heard):
        rest = attempt.window.part(stretch.start, stretch.end + PAD)
        if len(rest.pcm) <= len(attempt.window.pcm) - SAMPLE_RATE:  # each is shorter, so that this ends
            yield Attempt(rest, flags=attempt.flags | {Flag.UNCOVERED}, around=attempt.around)


def _halves(window: Window) -> tuple[Window, Window]:
    """Cut a window in two at a pause near its middle, else where it is quietest."""
    third = len(window.pcm) // 3
    pause = best_pause(window.spans, window.start + third, window.end - third)
    at = (pause[0].end + pause[1].start) // 2 if pause else window.start + quietest(window.pcm, third, 2 * third)
    return window.part(window.start, at), window.part(at, window.end)


def _times(window: Window, heard: HeardSegment) -> tuple[float, float]:
    """Return start and end on the recording's clock, in seconds, drawn in to the speech between them."""
    start = window.start + round(heard.start * SAMPLE_RATE)
    end = window.start + round(heard.end * SAMPLE_RATE)
    if speech := clip(window.spans, start, end):
        start, end = max(start, speech[0].start - EDGE), min(end, speech[-1].end + EDGE)
    return round(start / SAMPLE_RATE, 3), round(end / SAMPLE_RATE, 3)
