"""From segments to cues: what stands on the screen together, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from tiro.formats.lines import count, pieces, tidy, weight, width, wrap
from tiro.transcript import Segment, Transcript


@dataclass(frozen=True)
class Rules:
    """How much may stand on the screen at once, and for how long.

    42 columns in 2 lines is Netflix's guide for Latin scripts; a wide character takes two columns, which
    makes 21 of them a line. A cue that would stand longer than `seconds` is cut at a word; one that would have to be
    read faster than `speed` stands on into the pause that follows it.
    """

    columns: int = 42
    lines: int = 2
    seconds: float | None = None  # of one cue; None: as long as it is spoken
    speed: float | None = None  # columns a second; None: as fast as it is spoken


DEFAULT_RULES = Rules()


@dataclass(frozen=True)
class Cue:
    """One subtitle. Times are in milliseconds, the grain of both notations."""

    start: int
    end: int
    lines: tuple[str, ...]
    voice: str | None = None  # whose: the channel that it was heard on


def cues(transcript: Transcript, rules: Rules = DEFAULT_RULES) -> list[Cue]:
    """Return the cues: in order, none overlapping another, each at least a millisecond long."""
    found: list[Cue] = []
    for cue in (cue for segment in transcript.segments for cue in _cues_of(segment, rules)):
        start = max(cue.start, 0)
        if found:
            last = found[-1]
            start = max(start, last.start + 1)
            found[-1] = replace(last, end=min(last.end, start))
        found.append(replace(cue, start=start, end=max(cue.end, start + 1)))
    return found


def _cues_of(segment: Segment, rules: Rules) -> Iterator[Cue]:
    text = tidy(segment.text)
    clock = _Clock(segment, text)
    begun = 0
    for part in _split(pieces(text, rules.columns), rules):
        for shorter in _in_time(part, begun, clock, rules):
            ended = begun + _letters("".join(shorter))
            start, end = clock.starts(begun), clock.ends(ended)
            end = _readable(start, end, shorter, rules)
            yield Cue(round(start * 1000), round(end * 1000), _lines(shorter, rules), segment.channel)
            begun = ended


def _in_time(parts: list[str], begun: int, clock: _Clock, rules: Rules) -> Iterator[list[str]]:
    """Cut pieces, of which the first begins with the letter `begun`, until none stands too long or is a last one."""
    ended = begun + _letters("".join(parts))
    if rules.seconds is None or len(parts) == 1 or clock.ends(ended) - clock.starts(begun) <= rules.seconds:
        yield parts
        return
    at = _best_cut(parts, 0.5)
    yield from _in_time(parts[:at], begun, clock, rules)
    yield from _in_time(parts[at:], begun + _letters("".join(parts[:at])), clock, rules)


def _readable(start: float, end: float, parts: list[str], rules: Rules) -> float:
    """Return when a cue should go: later where it must be read too fast, and never after its longest."""
    if rules.speed is not None:
        end = max(end, start + width("".join(parts).rstrip()) / rules.speed)
    return end if rules.seconds is None else min(end, start + rules.seconds)


def _split(parts: list[str], rules: Rules) -> Iterator[list[str]]:
    """Share out pieces among the fewest cues they need, about equally, and rather at punctuation."""
    needed = -(-count(parts, rules.columns) // rules.lines)
    if needed <= 1:
        yield from [parts] if parts else []
        return
    at = _best_cut(parts, needed // 2 / needed)
    yield from _split(parts[:at], rules)
    yield from _split(parts[at:], rules)


def _best_cut(parts: list[str], target: float) -> int:
    """Return how many pieces come before a cut: about `target`, a share of the text, and rather at punctuation."""
    *reached, total = accumulate(map(width, parts))
    share = max(total, 1)
    return min(range(1, len(parts)), key=lambda i: abs(reached[i - 1] / share - target) - weight(parts[i - 1]))


def _lines(parts: list[str], rules: Rules) -> tuple[str, ...]:
    """A line ends where a cue would, rather at punctuation, unless that takes too many lines."""
    lines = ["".join(line).rstrip() for line in _split(parts, Rules(rules.columns, lines=1))]
    return tuple(lines if len(lines) <= rules.lines else wrap(parts, rules.columns))


class _Clock:
    """Tells when a letter of a segment is spoken: by its words' times, or else as if all took equally long.

    Letters are counted without spaces, which words and text do not always agree on.
    """

    def __init__(self, segment: Segment, text: str) -> None:
        words = [(tidy(word.text), word.start, word.end) for word in segment.words]
        if "".join(word for word, _, _ in words).replace(" ", "") != text.replace(" ", ""):
            words = []  # the text was corrected, or words were lost
        self._segment = segment
        self._letters = _letters(text)
        self._spans = [span for span in words if span[0]] or [(text, segment.start, segment.end)]

    def starts(self, letter: int) -> float:
        """Return the second at which the letter of this number, from 0, begins."""
        return self._segment.start if letter == 0 else self._at(letter, ending=False)

    def ends(self, letter: int) -> float:
        """Return the second at which so many letters are spoken."""
        return self._segment.end if letter >= self._letters else self._at(letter, ending=True)

    def _at(self, letter: int, *, ending: bool) -> float:
        begun = 0
        for word, start, end in self._spans:
            length = _letters(word)
            if letter < begun + length or (ending and letter == begun + length):
                return start + (end - start) * (letter - begun) / length
            begun += length
        return self._segment.end


def _letters(text: str) -> int:
    return len(text) - text.count(" ")
