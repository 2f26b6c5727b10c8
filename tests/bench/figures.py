"""What the laps come to: speeds as ratios within a pair, errors pooled, and how sure one may be of their difference."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import mean, median

from tests.bench.peers import OURS, SEQUENTIAL
from tests.bench.stable import Lap
from tests.quality import count_errors

LONG, SHORT = 240.0, 15.0
"""Seconds of audio: recordings over the one, clips under the other."""

DRAWS, SEED = 10_000, 20
"""Of the bootstrap."""


@dataclass(frozen=True)
class Recording:
    """A file of the corpus."""

    path: str
    language: str
    seconds: float
    text: str  # the reference


@dataclass(frozen=True)
class Errors:
    """The mean over the laps."""

    words: int  # of the reference; characters where those count
    wrong: float

    @property
    def rate(self) -> float:
        return 100 * self.wrong / self.words if self.words else 0.0


class Figures:
    """All that is asked of a race. The peers are in the order of their errors, after us."""

    def __init__(self, recordings: Sequence[Recording], laps: Iterable[Lap], *, quiet: float = inf) -> None:
        """`quiet` is the highest load before a lap whose times count, if there is such a lap; words always do."""
        self.recordings = {recording.path: recording for recording in recordings}
        self.laps = [lap for lap in laps if lap.path in self.recordings]
        self.timed = [lap for lap in self.laps if lap.load <= quiet] or self.laps
        self._counts: dict[tuple[str, str], dict[int, tuple[int, int]]] = defaultdict(dict)  # by peer and path: by lap
        for lap in self.laps:
            found = self.recordings[lap.path]
            self._counts[lap.peer, lap.path][lap.lap] = count_errors(found.text, lap.text, found.language)
        self._errors = {key: _mean(counts.values()) for key, counts in self._counts.items()}
        peers = {lap.peer for lap in self.laps}
        self.peers = sorted(peers, key=lambda peer: (peer != OURS, self.errors(peer).rate, peer))

    def ratios(self, peer: str, ours: str = OURS, *, where: Callable[[Recording], bool], clock: str) -> list[float]:
        """Return how many times as long `peer` took as `ours` did, for each recording and lap; `clock`: wall or cpu."""
        times = {(lap.peer, lap.path, lap.lap): getattr(lap, clock) for lap in self.timed}
        pairs = {(path, lap) for _, path, lap in times if where(self.recordings[path])}
        keys = [((peer, *pair), (ours, *pair)) for pair in sorted(pairs)]
        return [times[theirs] / times[mine] for theirs, mine in keys if theirs in times and mine in times]

    def speed(self, peer: str, *, where: Callable[[Recording], bool]) -> float:
        """Return seconds of audio heard in a second."""
        laps = [lap for lap in self.timed if lap.peer == peer and where(self.recordings[lap.path])]
        wall = sum(lap.wall for lap in laps)
        return sum(self.recordings[lap.path].seconds for lap in laps) / wall if wall else 0.0

    def errors(self, peer: str, language: str = "") -> Errors:
        every = [
            errors
            for (who, path), errors in self._errors.items()
            if who == peer and language in ("", self.recordings[path].language)
        ]
        return Errors(sum(e.words for e in every), sum(e.wrong for e in every))

    def by_lap(self, peer: str) -> list[int]:
        """Return how many words were wrong in each lap that is whole."""
        every = [counts for (who, _), counts in self._counts.items() if who == peer]
        whole = set.intersection(*map(set, every)) if every else set()
        return [sum(counts[lap][1] for counts in every) for lap in sorted(whole)]

    def best_sequential(self, language: str = "") -> str:
        """Return the peer that hears best one window after another."""
        there = [peer for peer in SEQUENTIAL if peer in self.peers]
        return min(there, key=lambda peer: self.errors(peer, language).rate, default=OURS)

    def interval(self, peer: str, ours: str = OURS) -> tuple[float, float]:
        """Return where 95 of 100 bootstrap draws of recordings see our error rate minus that of `peer`, in points."""
        paths = sorted({path for who, path in self._errors if who == ours} & {p for w, p in self._errors if w == peer})
        lots = random.Random(SEED)  # noqa: S311
        found = []
        for _ in range(DRAWS):
            drawn = lots.choices(paths, k=len(paths))
            words = sum(self._errors[ours, path].words for path in drawn)
            more = sum(self._errors[ours, path].wrong - self._errors[peer, path].wrong for path in drawn)
            found.append(100 * more / words)
        found.sort()
        return found[DRAWS // 40], found[-DRAWS // 40]

    def languages(self) -> Mapping[str, list[str]]:
        """Return the paths by language."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in sorted({lap.path for lap in self.laps}):
            found[self.recordings[path].language].append(path)
        return dict(sorted(found.items()))


def _mean(counts: Collection[tuple[int, int]]) -> Errors:
    return Errors(next(words for words, _ in counts), mean(wrong for _, wrong in counts))


def middle(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f}" if ratios else "–"


def is_long(recording: Recording) -> bool:
    return recording.seconds > LONG


def is_short(recording: Recording) -> bool:
    return recording.seconds < SHORT
