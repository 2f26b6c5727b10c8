"""No release may hear worse than the last: what each file of the corpus came to is kept, and held against it.

On the kind of CPU on which the results were accepted, each file is compared by its text, and the limits are narrow. On
any other kind a doubtful word may come out otherwise, so only sums are compared, within a wider band.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


class KeptElsewhere(Exception):
    """Results of two kinds of CPU would stand in one file."""


@dataclass(frozen=True)
class Limits:
    """How much worse results may be than those accepted last."""

    points: float  # percentage points by which the error of all files together may rise
    words: int  # wrong words (characters, where those count) that a language may have more
    share: float = 0.0  # the same as a share of a language's words, where that is more

    def more(self, words: int) -> int:
        """Return how many wrong words more a text of `words` words may have."""
        return max(self.words, round(self.share * words))

    def __str__(self) -> str:
        share = f" or {100 * self.share:g} %" if self.share else ""
        return f"{self.points:g} points in all, {self.words} words{share} in a language"


NARROW = Limits(points=0.5, words=2)
"""Between two versions on one kind of CPU."""

BAND = Limits(points=1.0, words=5, share=0.03)
"""Between two kinds of CPU. Measured with one version: 14.31 % wrong on a CPU with AVX-512 and 14.68 % on one without,
a language at most 1.6 % of its words apart (docs/measurements.md); the band is about twice that."""


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


@dataclass(frozen=True)
class Release:
    """The results accepted last, by path, and the kind of CPU that they are of; "" where the file does not say."""

    heard: Mapping[str, Heard] = field(default_factory=dict)
    cpu: str = ""

    def limits(self, cpu: str) -> Limits:
        """Return the limits for results of a kind of CPU."""
        return NARROW if cpu == self.cpu else BAND

    def comparison(self, cpu: str) -> str:
        """Return in words how results of a kind of CPU are compared with these."""
        if not self.heard:
            return "comparison: none, since no results are accepted yet"
        limits = self.limits(cpu)
        if limits is NARROW:
            return f"comparison: text by text, accepted on this kind of CPU ({cpu}); at most {limits} worse"
        return (
            f"comparison: within a band, accepted on another kind of CPU ({self.cpu or 'not recorded'}; "
            f"here {cpu}); at most {limits} worse"
        )


def read(file: Path) -> Release:
    """Return the results accepted last; nothing, where none were."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    cpu = _cpu_file(file).read_text("utf-8").strip() if _cpu_file(file).is_file() else ""
    return Release({heard.path: heard for heard in (Heard(**json.loads(line)) for line in lines)}, cpu)


def write(file: Path, results: Iterable[Result], cpu: str) -> None:
    """Keep results beside those of files that were not heard this time: a line for each, so that Git shows the rest.

    Raises KeptElsewhere where results of another kind of CPU would stay beside them.
    """
    before, found = read(file), {result.path: Heard.of(result) for result in results}
    if cpu != before.cpu and before.heard.keys() - found.keys():
        raise KeptElsewhere(
            f"{file.name} holds results of another kind of CPU ({before.cpu or 'not recorded'}; here {cpu}). "
            "Accept the whole corpus at once."
        )
    kept = {**before.heard, **found}
    lines = (json.dumps(asdict(kept[path]), ensure_ascii=False) + "\n" for path in sorted(kept))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), "utf-8")
    _cpu_file(file).write_text(cpu + "\n", "utf-8")


def _cpu_file(file: Path) -> Path:
    """Return the file beside the results that names their kind of CPU."""
    return file.with_suffix(".cpu")


def worse(before: Release, results: Sequence[Result], limits: Limits = NARROW) -> list[str]:
    """Return in words what is worse than it may be, of the files that are in both."""
    pairs = [(before.heard[r.path], Heard.of(r)) for r in results if r.path in before.heard]
    found = [f"{new.path} was heard before, and now: {new}" for old, new in pairs if new.error and not old.error]
    counted = [(old, new) for old, new in pairs if old.counts and new.counts]
    was, now = (_rate(each) for each in (zip(*counted, strict=True) if counted else ((), ())))
    if now > was + limits.points:
        found.append(f"all together: {was:.2f} % wrong before, {now:.2f} % now; at most {limits.points} points more")
    for language, sums in _by_language(counted).items():
        if sums.now > sums.before + (most := limits.more(sums.words)):
            found.append(f"{language}: {sums.before} wrong before, {sums.now} now; at most {most} more")
    return found


def changes(before: Release, results: Sequence[Result], limits: Limits = NARROW) -> list[str]:
    """Return a line for each file that did not come to the same, with how it reads now.

    Within a band these are only the files that end otherwise, or whose wrong words differ by more than the band.
    """
    lines = []
    for result in results:
        new, old = Heard.of(result), before.heard.get(result.path)
        if old is None:
            lines.append(f"new      {new.path}: {new}")
        elif old != new and (limits is NARROW or _beyond(limits, old, new)):
            sign = "worse" if new.wrong > old.wrong else "better" if new.wrong < old.wrong else "other"
            text = f"\n           {result.text[:160]}" if old.text != new.text else ""
            lines.append(f"{sign:<8} {new.path}: {old} -> {new}{text}")
    return lines


def _beyond(limits: Limits, old: Heard, new: Heard) -> bool:
    return old.error != new.error or abs(new.wrong - old.wrong) > limits.more(new.words)


def _rate(heard: Iterable[Heard]) -> float:
    every = list(heard)
    return 100 * sum(each.wrong for each in every) / max(1, sum(each.words for each in every))


@dataclass
class _Sums:
    words: int = 0
    before: int = 0  # wrong
    now: int = 0  # wrong


def _by_language(pairs: Iterable[tuple[Heard, Heard]]) -> Mapping[str, _Sums]:
    sums: dict[str, _Sums] = defaultdict(_Sums)
    for old, new in pairs:
        found = sums[new.language]
        found.words, found.before, found.now = found.words + new.words, found.before + old.wrong, found.now + new.wrong
    return sums
