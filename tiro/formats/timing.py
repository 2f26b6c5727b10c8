"""Cues of one voice in time: each stands long enough to be read, where the speech around it leaves room."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tiro.formats.lines import may_break, weight
from tiro.formats.rules import Rules
from tiro.formats.spoken import Piece, rows

PAUSE = 1.0
"""Seconds of silence that a cue does not go over to be joined with the next one: what is said later would be shown too
early. A cue beside a longer pause has the pause to stand in."""

LEAD = 0.5
"""Seconds before its speech that a cue may appear, if it can stand no longer behind it: 12 frames at 24 a second. It
may appear earlier only where it would be shorter than the shortest."""

FLASH = 0.5
"""Seconds short of being read that a cue counts for besides, where it is shorter than the shortest."""

EARLY = 0.5
"""Seconds short of being read that each second counts for by which a cue appears before its speech."""

MIN_GAIN = 0.1
"""Seconds that another cut must give to readers: less is not worth moving it from where the text has one."""

MOST_CHANGES = 4
"""Changes for each cue of a recording, after which the cues stay as they are."""

MOST_MOVED = 16
"""Pieces, which are words or syllables, that may move from a cue to its neighbour."""

_SENTENCE = weight(".")
_MILLISECOND = 0.001
_TOLERANCE = 0.0005  # seconds; times are written in whole milliseconds


@dataclass(frozen=True)
class Draft:
    """A cue before it has its final times. `start` and `end` are its speech's, in seconds."""

    pieces: tuple[Piece, ...]
    start: float
    end: float

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> Draft:
        return cls(tuple(pieces), pieces[0].start, pieces[-1].end)

    def need(self, rules: Rules) -> float:
        """Return the seconds that it should stand."""
        last = self.pieces[-1]
        space = last.read / last.columns if last.text.endswith(" ") else 0.0
        need = max(rules.shortest, sum(piece.read for piece in self.pieces) - space)
        return need if rules.seconds is None else min(need, rules.seconds)

    def fits(self, rules: Rules) -> bool:
        if rules.seconds is not None and self.end - self.start > rules.seconds:
            return False
        return rows(self.pieces, rules.columns) <= rules.lines


@dataclass(frozen=True)
class Timed:
    """A draft, and from when to when it stands on the screen, in seconds."""

    draft: Draft
    start: float
    end: float


@dataclass(frozen=True)
class _Change:
    """One or two cues that take the place of two neighbours."""

    gain: float  # seconds
    drafts: tuple[Draft, ...]


def paced(drafts: Iterable[Draft], rules: Rules, duration: float) -> list[Timed]:
    """Return the cues of one voice with their times: in order, none over another.

    A cue that is too short to be read stands on into the pause behind it. Where that is not enough, it is joined with a
    neighbour, appears a little before its speech, or shares words with a neighbour. `duration` is in seconds.
    """
    ahead = deque(_in_sequence(drafts, rules))
    final = max(duration, ahead[-1].end) if ahead else duration
    changes = MOST_CHANGES * len(ahead)
    done: list[Timed] = []
    while ahead:
        draft = ahead.popleft()
        [here] = _stand([draft], _end_of(done), _start_of(ahead, final), rules)
        if not changes or (not _lacks(here, rules) and here.start >= draft.start):
            done.append(here)
            continue
        back = _change(done[-1].draft, draft, _end_of(done, 2), _start_of(ahead, final), rules) if done else None
        on = _change(draft, ahead[0], _end_of(done), _start_of(ahead, final, 1), rules) if ahead else None
        best = max(filter(None, (back, on)), key=lambda change: change.gain, default=None)
        if best is None:
            done.append(here)
            continue
        if best is back:
            done.pop()
        else:
            ahead.popleft()
        ahead.extendleft(reversed(best.drafts))  # each may now be joined with its other neighbour
        changes -= 1
    return _to_the_end(done, rules)


def _end_of(done: Sequence[Timed], number: int = 1) -> float:
    return done[-number].end if len(done) >= number else 0.0


def _start_of(ahead: Sequence[Draft], final: float, number: int = 0) -> float:
    return ahead[number].start if len(ahead) > number else final


def _in_sequence(drafts: Iterable[Draft], rules: Rules) -> list[Draft]:
    """Return drafts of which each begins after the one before it ends, in the order of the text.

    Where the speech of two overlaps, they share that time as they need it.
    """
    sequence: list[Draft] = []
    for draft in drafts:
        if sequence:
            last = sequence[-1]
            start = max(draft.start, last.start + _MILLISECOND)
            end = max(draft.end, start)
            if start < last.end:
                seconds, need, rest = max(last.end, end) - last.start, last.need(rules), draft.need(rules)
                enough = last.start + min(need, seconds * need / (need + rest))
                start = min(max(enough, start), last.end)
                sequence[-1] = replace(last, end=start)
            draft = replace(draft, start=start, end=max(end, start))
        sequence.append(draft)
    return sequence


def _stand(drafts: Sequence[Draft], begin: float, limit: float, rules: Rules) -> list[Timed]:
    """Return when drafts stand, if nothing else does from `begin` to `limit`, in seconds."""
    timed: list[Timed] = []
    for number, draft in enumerate(drafts):
        need = draft.need(rules)
        start = max(draft.start, begin)
        until = _start_of(drafts, limit, number + 1)
        end = max(min(max(draft.end, start + need), until), start)
        if end - start < need:
            start = max(begin, end - need, min(start - LEAD, end - min(need, rules.shortest)))
        if rules.seconds is not None:
            end = min(end, start + rules.seconds)
        timed.append(Timed(draft, start, end))
        begin = end
    return timed


def _to_the_end(timed: list[Timed], rules: Rules) -> list[Timed]:
    """Return cues of which the last, if it needs that, stands on after the end of the recording."""
    if timed:
        last = timed[-1]
        timed[-1] = replace(last, end=max(last.end, last.start + last.draft.need(rules)))
    return timed


def _lacks(timed: Timed, rules: Rules) -> float:
    """Return the seconds that a cue is short of what it needs."""
    lack = timed.draft.need(rules) - (timed.end - timed.start)
    return lack if lack > _TOLERANCE else 0.0


def _change(one: Draft, other: Draft, begin: float, limit: float, rules: Rules) -> _Change | None:
    """Return how two neighbours become easier to read: as one cue, or cut at another place."""
    if other.start - one.end > PAUSE:
        return None
    pieces = (*one.pieces[:-1], _spaced(one.pieces[-1], other.pieces[0]), *other.pieces)
    joint = Draft(pieces, one.start, other.end)
    least = _TOLERANCE
    ways: Iterable[tuple[Draft, ...]] = [(joint,)]
    if not joint.fits(rules):
        least, ways = MIN_GAIN, _cuts(pieces, one, other, rules)
    before = _cost([one, other], begin, limit, rules)
    changes = (_Change(before - _cost(way, begin, limit, rules), way) for way in ways)
    best = max(changes, key=lambda change: change.gain, default=None)
    return best if best and best.gain >= least else None


def _cuts(pieces: Sequence[Piece], one: Draft, other: Draft, rules: Rules) -> Iterator[tuple[Draft, Draft]]:
    """Yield the ways to cut two neighbours' text in two elsewhere. None is better than one cue, where that fits."""
    now, end = len(one.pieces), one.start
    for at in range(max(1, now - MOST_MOVED), min(len(pieces), now + MOST_MOVED + 1)):
        end = min(max(pieces[at - 1].end, end), other.end)
        start = min(max(pieces[at].start, end), other.end)
        first, second = Draft(tuple(pieces[:at]), one.start, end), Draft(tuple(pieces[at:]), start, other.end)
        if at != now and first.fits(rules) and second.fits(rules):
            yield first, second


def _cost(drafts: Sequence[Draft], begin: float, limit: float, rules: Rules) -> float:
    """Return the seconds that readers lack, with something for cues before their speech and cuts inside a sentence."""
    timed = _stand(drafts, begin, limit, rules)
    short = sum(each.end - each.start < rules.shortest - _TOLERANCE for each in timed)
    cuts = sum(_SENTENCE - weight(draft.pieces[-1].text) for draft in drafts[:-1])
    early = sum(each.draft.start - each.start for each in timed)
    return sum(_lacks(each, rules) for each in timed) + FLASH * short + EARLY * early + cuts


def _spaced(last: Piece, first: Piece) -> Piece:
    """Return a piece with the space that it needs before another segment's, if it is the last of its own."""
    if not last.closes or may_break(last.text + first.text, len(last.text)):
        return last
    read = last.read * (1 + 1 / max(last.columns, 1))
    return replace(last, text=f"{last.text} ", read=read, columns=last.columns + 1)
