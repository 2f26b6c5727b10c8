"""What becomes of one recording's windows: they are decoded, judged, redone by what cures them, and stitched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from container.audio import Recording
from container.judge import SHORT, Flag, compression_ratio, invented, judge, text_of, uncovered
from container.windows import EDGE, PAD, Window, best_pause, clip, quietest
from tiro.language import to_bcp47
from tiro.ports import SAMPLE_RATE, DecodeOptions, HeardSegment, HeardWindow, SpeechEngine
from tiro.transcript import DroppedSegment, Segment, Transcript

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures tried one after another while the text is not believable (openai/whisper, transcribe.py)."""

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


class Hearing:
    """One recording while it is heard: what is known of it, and the segments so far."""

    def __init__(self, engine: SpeechEngine, options: DecodeOptions) -> None:
        self._engine, self._options = engine, options
        self._probability: float | None = None  # of a language that was detected
        self._segments: list[Segment] = []

    def hear(self, batch: Sequence[Attempt]) -> list[Attempt]:
        """Decode a batch of one temperature and judge it; return what must be decoded again."""
        encoded = self._engine.encode([attempt.window.pcm for attempt in batch])
        if not self._options.language:
            self._detect_language(encoded, batch)
        temperature = LADDER[batch[0].step]
        heard = self._engine.decode(encoded, replace(self._options, temperature=temperature))
        results = (Result(h, judge(a.window, h), temperature) for a, h in zip(batch, heard, strict=True))
        return [again for a, result in zip(batch, results, strict=True) for again in self._settle(a, result)]

    def _detect_language(self, encoded: Any, batch: Sequence[Attempt]) -> None:
        """Choose the likeliest language of the first batch, each window weighted by its speech."""
        weights = [attempt.window.speech for attempt in batch]
        chances: Counter[str] = Counter()
        for weight, window in zip(weights, self._engine.detect_language(encoded), strict=True):
            chances.update({language: weight * chance / sum(weights) for language, chance in window.items()})
        ((language, self._probability),) = chances.most_common(1)
        self._options = replace(self._options, language=language)

    # ------------------------------------------------------------ what to make of it

    def _settle(self, attempt: Attempt, result: Result) -> list[Attempt]:
        """Keep a text, or choose what may cure it: shorter windows first, then the ladder."""
        window, flags = attempt.window, result.flags
        best = max(filter(None, (attempt.best, result)), key=lambda r: r.belief)
        silent = flags >= {Flag.NO_SPEECH, Flag.LOW_LOGPROB}  # Whisper would not try again, nor do we
        if (
            flags & {Flag.LOOP, Flag.SPARSE}
            and attempt.step == 0
            and len(window.pcm) > SHORT * SAMPLE_RATE
            and not silent
        ):
            around = attempt.around | (flags & {Flag.LOOP})
            return [attempt.again(flags, window=half, around=around) for half in _halves(window)]
        if flags & {Flag.LOOP, Flag.LOW_LOGPROB} and not silent and attempt.step + 1 < len(LADDER):
            return [attempt.again(flags, step=attempt.step + 1, best=best)]
        return self._keep(attempt, best if flags & {Flag.LOOP, Flag.LOW_LOGPROB} else result)

    def _keep(self, attempt: Attempt, result: Result) -> list[Attempt]:
        """Note the segments of a text; return what it leaves unsaid."""
        window = attempt.window
        ratio = compression_ratio(text_of(result.heard))
        for heard in result.heard.segments:
            if not heard.text.strip():
                continue
            against = invented(window, heard, result.flags | attempt.around)
            start, end = _times(window, heard)
            kind = DroppedSegment if against else Segment
            self._segments.append(
                kind(
                    start=start,
                    end=end,
                    text=heard.text.strip(),
                    avg_logprob=round(result.heard.avg_logprob, 4),
                    no_speech_prob=round(result.heard.no_speech_prob, 4),
                    compression_ratio=round(ratio, 3),
                    temperature=result.temperature,
                    flags=tuple(sorted(attempt.flags | result.flags | against)),
                )
            )
        flags = attempt.flags | {Flag.UNCOVERED}
        unsaid = (window.part(stretch.start, stretch.end + PAD) for stretch in uncovered(window, result.heard))
        return [
            Attempt(rest, flags=flags, around=attempt.around)
            for rest in unsaid
            if len(rest.pcm) <= len(window.pcm) - SAMPLE_RATE  # each is shorter, so that this ends
        ]

    def transcript(self, recording: Recording) -> Transcript:
        """Stitch what was heard together, in the order in which it was said."""
        heard = sorted(self._segments, key=lambda s: (s.start, s.end))
        kept = tuple(s for s in heard if not isinstance(s, DroppedSegment))
        language = self._options.language
        return Transcript(
            text=("" if language in UNSPACED else " ").join(s.text for s in kept),
            language=to_bcp47(language) if kept else NO_LANGUAGE,
            language_probability=self._probability if kept else None,
            duration=round(recording.seconds, 3),
            no_speech=not kept,
            segments=kept,
            dropped=tuple(s for s in heard if isinstance(s, DroppedSegment)),
            warnings=recording.warnings,
            engine=self._engine.info,
        )


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
