"""From segments to cues: what stands on the screen together, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tiro.formats.lines import weight, wrap
from tiro.formats.rules import DEFAULT_RULES as DEFAULT_RULES
from tiro.formats.rules import Rules as Rules
from tiro.formats.spoken import Piece, rows, spoken
from tiro.formats.timing import Draft, Timed, paced
from tiro.transcript import Segment, Transcript


@dataclass(frozen=True)
class Cue:
    """One subtitle. Times are in milliseconds, the grain of both notations."""

    start: int
    end: int
    lines: tuple[str, ...]
    voice: str | None = None  # whose: the channel that it was heard on


def cues(transcript: Transcript, rules: Rules = DEFAULT_RULES) -> list[Cue]:
    """Return the cues in the order of their starts, each at least a millisecond long.

    Cues of one voice are in the order of their segments, and none overlaps another. Those of different voices may.
    """
    tracks: dict[str | None, list[Draft]] = {}
    for segment in transcript.segments:
        tracks.setdefault(voice_of(segment), []).extend(_drafts(segment, transcript.language, rules))
    found = [
        cue
        for voice, drafts in tracks.items()
        for cue in _on_clock(paced(drafts, rules, transcript.duration), voice, rules)
    ]
    return sorted(found, key=lambda cue: cue.start)


def voice_of(segment: Segment) -> str | None:
    """Return whose segment it is: of one voice, no cue overlaps another."""
    return segment.channel


def _on_clock(timed: Sequence[Timed], voice: str | None, rules: Rules) -> Iterator[Cue]:
    """Yield a voice's cues in whole milliseconds."""
    after = 0
    for each in timed:
        start = max(round(each.start * 1000), after)
        after = max(round(each.end * 1000), start + 1)
        yield Cue(start, after, _lines(each.draft.pieces, rules), voice)


def _drafts(segment: Segment, language: str, rules: Rules) -> Iterator[Draft]:
    parts = list(spoken(segment, segment.language or language, rules.columns, rules.speed))
    for some in _split(parts, rules.columns, rules.lines):
        yield from map(Draft.of, _in_time(some, rules))


def _in_time(parts: list[Piece], rules: Rules) -> Iterator[list[Piece]]:
    """Cut pieces until none stands too long or is a last one."""
    if rules.seconds is None or len(parts) == 1 or parts[-1].end - parts[0].start <= rules.seconds:
        yield parts
        return
    at = _best_cut(parts, 0.5)
    yield from _in_time(parts[:at], rules)
    yield from _in_time(parts[at:], rules)


def _split(parts: list[Piece], columns: int, lines: int) -> Iterator[list[Piece]]:
    """Share out pieces among the fewest cues they need, about equally, and rather at punctuation."""
    needed = -(-rows(parts, columns) // lines)
    if needed <= 1:
        yield from [parts] if parts else []
        return
    at = _best_cut(parts, needed // 2 / needed)
    yield from _split(parts[:at], columns, lines)
    yield from _split(parts[at:], columns, lines)


def _best_cut(parts: list[Piece], target: float) -> int:
    """Return how many pieces come before a cut: about `target`, a share of the text, and rather at punctuation."""
    *reached, total = accumulate(piece.columns for piece in parts)
    share = max(total, 1)
    return min(range(1, len(parts)), key=lambda i: abs(reached[i - 1] / share - target) - weight(parts[i - 1].text))


def _lines(parts: tuple[Piece, ...], rules: Rules) -> tuple[str, ...]:
    """A line ends where a cue would, rather at punctuation, unless that takes too many lines."""
    lines = ["".join(_texts(line)).rstrip() for line in _split(list(parts), rules.columns, 1)]
    return tuple(lines if len(lines) <= rules.lines else wrap(_texts(parts), rules.columns))


def _texts(parts: Sequence[Piece]) -> list[str]:
    return [piece.text for piece in parts]
