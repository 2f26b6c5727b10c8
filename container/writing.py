"""Writes down what was heard in a window: segments, and what is set aside as invented."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from container.judge import MIN_LOGPROB, Flag, compression_ratio, invented, text_of
from container.windows import EDGE, Window, clip
from container.words import phrases, place, text_of_words
from tiro.ports import SAMPLE_RATE, HeardSegment, HeardWindow, HeardWord
from tiro.transcript import DroppedSegment, Segment, Word

HARDLY = 1e-6
"""The least probability of a word, so that it has a logarithm."""


@dataclass(frozen=True)
class Text:
    """What was heard in a window and is kept, with what the guards say of it."""

    window: Window
    heard: HeardWindow
    temperature: float
    fired: frozenset[Flag]  # the guards that fired on the way to it
    signals: frozenset[Flag]  # those that speak against it


def write(text: Text, words: Sequence[Sequence[HeardWord]] = ()) -> Iterator[Segment]:
    """Yield segments in order; with the words of each, they are cut to fit subtitles.

    Where the model heard no speech, a text that its own words do not believe is taken for invented: it may have been
    copied from the prompt, or learnt by heart.
    """
    ratio = compression_ratio(text_of(text.heard))
    said = 0.0  # when the last word was
    for number, heard in enumerate(text.heard.segments):
        if not heard.text.strip():
            continue
        spoken = words[number] if words else ()
        signals = text.signals
        if spoken and Flag.NO_SPEECH in signals and _logprob(spoken) < MIN_LOGPROB:
            signals |= {Flag.LOW_LOGPROB}
        against = invented(text.window, heard, signals)
        start, end = _times(text.window, heard)
        whole = Segment(
            start=start,
            end=end,
            text=heard.text.strip(),
            avg_logprob=round(text.heard.avg_logprob, 4),
            no_speech_prob=round(text.heard.no_speech_prob, 4),
            compression_ratio=round(ratio, 3),
            temperature=text.temperature,
            flags=tuple(sorted(text.fired | against)),
        )
        if against:
            yield DroppedSegment.model_validate(whole.model_dump())
        elif spoken:
            placed = place(text.window, spoken, after=said)
            said = placed[-1].end
            yield from (_timed(whole, phrase) for phrase in phrases(placed))
        else:
            yield whole


def _timed(whole: Segment, words: Sequence[Word]) -> Segment:
    """Return the part of a segment that some of its words are."""
    return whole.model_copy(
        update={
            "start": words[0].start,
            "end": words[-1].end,
            "text": text_of_words(words),
            "words": tuple(word.model_copy(update={"text": word.text.strip()}) for word in words),
            "avg_logprob": round(_logprob(words), 4),
        }
    )


def _logprob(words: Sequence[Word] | Sequence[HeardWord]) -> float:
    """Return the mean of the words' log-probabilities, as they were aligned: without the prompt."""
    return sum(math.log(_believed(word.probability)) for word in words) / len(words)


def _believed(probability: float) -> float:
    """Return a probability that has a logarithm; one that is no number is hardly any."""
    return max(probability, HARDLY) if math.isfinite(probability) else HARDLY


def _times(window: Window, heard: HeardSegment) -> tuple[float, float]:
    """Return start and end on the recording's clock, in seconds, drawn in to the speech between them."""
    start, end = window.samples(heard)
    if speech := clip(window.spans, start, end):
        start, end = max(start, speech[0].start - EDGE), min(end, speech[-1].end + EDGE)
    return round(start / SAMPLE_RATE, 3), round(end / SAMPLE_RATE, 3)
