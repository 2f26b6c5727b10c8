"""No release may hear worse than the last: what each file of the corpus came to is kept, and held against it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

MOST_POINTS = 0.5
"""Percentage points by which the error of all files together may rise."""

MOST_WORDS = 2
"""Wrong words (characters, where those count) that a language may have more than before."""


@dataclass
class Result:
    """One file of the corpus, heard."""

    path: str
    category: str
    language: str
    seconds: float  # of audio decoded
    wall: float  # seconds it took
    error: str = ""  # the code, when it failed
    heard_language: str = ""
    text: str = ""
    first_start: float | None = None
    segments: int = 0
    dropped: int = 0
    flags: dict[str, int] = field(default_factory=dict)
    words: int = 0  # in the reference; characters where those count
    wrong: int = 0  # of them, and words too many
    unexpected: list[str] = field(default_factory=list)

    @property
    def wer(self) -> float | None:
        return self.wrong / self.words if self.words else None


@dataclass(frozen=True)
class Heard:
    """What one file came to in a release. Its text is kept as a hash: it is somebody else's."""

    path: str
    category: str
    language: str
    text: str  # the start of its SHA-256
    words: int  # in the reference; 0: there is none
    wrong: int
    error: str = ""
    flags: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Result) -> Heard:
        digest = hashlib.sha256(result.text.encode()).hexdigest()[:16]
        flags = dict(sorted(result.flags.items()))
        return cls(
            result.path, result.category, result.language, digest, result.words, result.wrong, result.error, flags
        )

    @property
    def counts(self) -> bool:
        """Whether its errors mean something: awkward files may hold half of their reference."""
        return self.category != "awkward" and self.words > 0

    def __str__(self) -> str:
        ended = f"failed with {self.error}" if self.error else f"{self.wrong} of {self.words} wrong"
        return f"{ended}, flags {', '.join(f'{n} {c}' for n, c in self.flags.items()) or 'none'}"


Release = dict[str, Heard]


def read(file: Path) -> Release:
    """Return the results accepted last; nothing, where none were."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return {heard.path: heard for heard in (Heard(**json.loads(line)) for line in lines)}


def write(file: Path, results: Iterable[Result]) -> None:
    """Keep results beside those of files that were not heard this time: a line for each, so that Git shows the rest."""
    kept = read(file) | {result.path: Heard.of(result) for result in results}
    lines = (json.dumps(asdict(kept[path]), ensure_ascii=False) + "\n" for path in sorted(kept))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), "utf-8")


def worse(before: Release, results: Sequence[Result]) -> list[str]:
    """Return in words what is worse than it may be, of the files that are in both."""
    pairs = [(before[r.path], Heard.of(r)) for r in results if r.path in before]
    found = [f"{new.path} was heard before, and now: {new}" for old, new in pairs if new.error and not old.error]
    counted = [(old, new) for old, new in pairs if old.counts and new.counts]
    was, now = (_rate(each) for each in (zip(*counted, strict=True) if counted else ((), ())))
    if now > was + MOST_POINTS:
        found.append(f"all together: {was:.2f} % wrong before, {now:.2f} % now; at most {MOST_POINTS} points more")
    for language, wrongs in _by_language(counted).items():
        if wrongs[1] > wrongs[0] + MOST_WORDS:
            found.append(f"{language}: {wrongs[0]} wrong before, {wrongs[1]} now; at most {MOST_WORDS} more")
    return found


def changes(before: Release, results: Sequence[Result]) -> list[str]:
    """Return a line for each file that did not come to the same, with how it reads now."""
    lines = []
    for result in results:
        new, old = Heard.of(result), before.get(result.path)
        if old is None:
            lines.append(f"new      {new.path}: {new}")
        elif old != new:
            sign = "worse" if new.wrong > old.wrong else "better" if new.wrong < old.wrong else "other"
            text = f"\n           {result.text[:160]}" if old.text != new.text else ""
            lines.append(f"{sign:<8} {new.path}: {old} -> {new}{text}")
    return lines


def _rate(heard: Iterable[Heard]) -> float:
    every = list(heard)
    return 100 * sum(each.wrong for each in every) / max(1, sum(each.words for each in every))


def _by_language(pairs: Iterable[tuple[Heard, Heard]]) -> Mapping[str, list[int]]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for old, new in pairs:
        sums[new.language][0] += old.wrong
        sums[new.language][1] += new.wrong
    return sums
