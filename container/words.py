"""Words on the recording's clock, believable ones, and the segments that they are read in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from container.windows import EDGE, Window, clip
from tiro.formats.lines import weight, width
from tiro.ports import SAMPLE_RATE, HeardWord
from tiro.transcript import Segment, Word

SECONDS = 7.0
COLUMNS = 84
"""What one subtitle holds: two lines of 42, for at most 7 s (Netflix, Timed Text Style Guide)."""

SILENCE = 0.5
"""Seconds of silence that no segment goes over: often somebody else speaks then, whatever the comma before says."""

SOUND = 0.6
LETTER = 0.12
"""Seconds that a word may last, and more for each letter: about three times what slow readers take."""

SPOKEN_DIGIT = 4
"""Letters that a digit is spoken with: "1813" is eighteen thirteen."""


def place(window: Window, words: Iterable[HeardWord], *, after: float = 0.0) -> list[Word]:
    """Put a segment's words on the recording's clock: in order, none before `after` or over another.

    Attention lingers on the silence around a word, so each is drawn in to the speech that most of it stands on;
    what then is longer than anybody speaks ends earlier, or begins later where it begins a sentence.
    """
    placed: list[Word] = []
    for word in words:
        start, end = _drawn_in(window, word)
        if end - start > (most := longest(word.text)):
            begins = not placed or _ends_sentence(placed[-1].text)
            start, end = (end - most, end) if begins else (start, start + most)
        start = max(start, after)
        after = max(end, start)
        probability = word.probability if math.isfinite(word.probability) else 0.0  # no number: not believed
        placed.append(
            Word(start=round(start, 3), end=round(after, 3), text=word.text, probability=round(probability, 4))
        )
    return placed


def longest(text: str) -> float:
    """Return the seconds beyond which nobody says a word."""
    return SOUND + LETTER * sum(SPOKEN_DIGIT if c.isdigit() else c.isalpha() for c in text)


def phrases(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Cut a segment's words into segments that fit a subtitle, or two where a sentence is that long."""
    for at, (a, b) in enumerate(pairwise(words), start=1):
        if b.start - a.end >= SILENCE:
            return [*phrases(words[:at]), *phrases(words[at:])]
    if _subtitles(words) <= 1:
        return [words] if words else []
    at = max(range(1, len(words)), key=lambda i: _worth(words, i), default=0)
    if not at or (_subtitles(words) <= 2 and not _rests(words, at)):
        return [words]
    return [*phrases(words[:at]), *phrases(words[at:])]


def in_order(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return segments, sorted by their start, with no word of a channel over another's.

    Windows that were heard again may reach a little into what follows them.
    """
    ordered: list[Segment] = []
    said: dict[str | None, float] = {}  # until when, by channel
    for segment in segments:
        after = said.get(segment.channel, 0.0)
        if segment.words and segment.start < after:
            words = tuple(
                word.model_copy(update={"start": max(word.start, after), "end": max(word.end, after)})
                for word in segment.words
            )
            segment = segment.model_copy(update={"words": words, "start": words[0].start, "end": words[-1].end})
        if segment.words:
            said[segment.channel] = max(after, segment.end)
        ordered.append(segment)
    return tuple(ordered)


def moved(segment: Segment, *, by: float) -> Segment:
    """Return a segment so many seconds later."""

    def later(seconds: float) -> float:
        return round(seconds + by, 3)

    words = tuple(w.model_copy(update={"start": later(w.start), "end": later(w.end)}) for w in segment.words)
    times = {"start": later(segment.start), "end": later(segment.end), "words": words}
    return segment.model_copy(update=times) if by else segment


def text_of_words(words: Iterable[Word]) -> str:
    return "".join(word.text for word in words).strip()


def _drawn_in(window: Window, word: HeardWord) -> tuple[float, float]:
    start, end = window.samples(word)
    end = min(end, window.end)
    if speech := clip(window.spans, start, end):
        most = max(speech, key=lambda span: span.seconds)
        start, end = max(start, most.start - EDGE), min(end, most.end + EDGE)
    return start / SAMPLE_RATE, max(start, end) / SAMPLE_RATE


def _subtitles(words: Sequence[Word]) -> float:
    """Return how many subtitles words fill."""
    if not words:
        return 0.0
    return max((words[-1].end - words[0].start) / SECONDS, width(text_of_words(words)) / COLUMNS)


def _worth(words: Sequence[Word], at: int) -> float:
    """Return how good a cut before the word of this number is: at the end of a sentence, about in the middle."""
    begin, here, end = words[0].start, words[at].start, words[-1].end
    off_middle = abs((here - begin) / max(end - begin, 0.1) - 0.5)
    pause = min(words[at].start - words[at - 1].end, 1.0)
    return 4 * weight(words[at - 1].text) + pause - off_middle


def _rests(words: Sequence[Word], at: int) -> bool:
    return _ends_sentence(words[at - 1].text) or words[at].start - words[at - 1].end >= SILENCE


def _ends_sentence(text: str) -> bool:
    return weight(text) > weight(",")
