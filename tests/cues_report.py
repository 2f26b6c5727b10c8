"""How readable subtitles are: `python -m tests.cues_report FOLDER …` counts cues outside of the guide.

A folder holds transcripts as `format=json` gives them, in any depth; `python -m tests.quality CORPUS --transcripts
FOLDER` writes those of a corpus. A cue is outside of the guide if it stands less than 5/6 s or must be read faster than
the guide says for its language. It has a reason if the speech is that fast: from the end of the speech before it, or
half a second before its own, to the start of the speech after it there is less time than reading takes, or than reading
it and the cues beside it takes where these are fast too; and no joint cue with a neighbour is within the guide.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tiro.formats.cues import Cue, cues
from tiro.formats.lines import pieces, tidy, width, wrap
from tiro.transcript import Segment, Transcript

SHORTEST = 5 / 6
LONGEST = 7.0
PAUSE = 1.0
"""Seconds: what the guide allows, and the longest pause that one cue may go over."""

LEAD = 0.5
"""Seconds that a cue may appear before its speech, without telling too much too early."""

COLUMNS, LINES = 42, 2

FLASH = 0.5
FRANTIC = 25.0
"""Seconds and columns a second: what nobody can read, whatever guide one follows."""

MOST_UNEXPLAINED = 0.01
"""The share of cues that may be outside of the guide without a reason."""

_MS = 0.0011  # two times are each rounded to a millisecond


@dataclass(frozen=True)
class Letter:
    """A letter of a voice's text, and when it is spoken, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one cue."""

    cue: Cue
    text: str
    short: bool
    fast: bool
    frantic: bool
    reason: bool  # whether the speech leaves no other choice

    @property
    def outside(self) -> bool:
        return self.short or self.fast


def reading_seconds(text: str, language: str) -> float:
    """Return how long adults read text: 20 narrow characters a second; wide ones: Japanese 7, Korean 14, others 11."""
    wide = sum(width(character) == 2 for character in text)
    a_second = {"ja": 7.0, "ko": 14.0}.get(language.split("-")[0], 11.0)
    return (width(text) - 2 * wide) / 20.0 + wide / a_second


def judge(transcript: Transcript, found: Sequence[Cue] | None = None) -> list[Verdict]:
    """Return a verdict on each cue of a transcript."""
    found = cues(transcript) if found is None else found
    verdicts: list[Verdict] = []
    for voice in dict.fromkeys(segment.channel for segment in transcript.segments):
        letters = [x for s in transcript.segments if s.channel == voice for x in _letters(s)]
        verdicts += _of_voice([cue for cue in found if cue.voice == voice], letters, transcript)
    return verdicts


def _of_voice(found: Sequence[Cue], letters: Sequence[Letter], transcript: Transcript) -> Iterator[Verdict]:
    texts = [_text(cue) for cue in found]
    ends = [0]
    for text in texts:
        ends.append(ends[-1] + len(text.replace(" ", "")))
    spans = list(pairwise(ends))
    needs = [max(reading_seconds(text, transcript.language), SHORTEST) for text in texts]
    for number, (cue, text) in enumerate(zip(found, texts, strict=True)):
        seconds = (cue.end - cue.start) / 1000
        runs = [
            (a, b)
            for a in range(number - 2, number + 1)
            for b in range(number + 1, a + 4)
            if a >= 0 and b <= len(found)
        ]
        tight = any(_tight((spans[a][0], spans[b - 1][1]), sum(needs[a:b]), letters, transcript) for a, b in runs)
        pairs = [a for a in (number - 1, number) if 0 <= a < len(found) - 1]
        joins = any(_readable_together(texts[a : a + 2], spans[a : a + 2], letters, transcript) for a in pairs)
        yield Verdict(
            cue,
            text,
            short=seconds < SHORTEST - _MS,
            fast=reading_seconds(text, transcript.language) > seconds + _MS,
            frantic=seconds < FLASH or width(text) > FRANTIC * seconds,
            reason=tight and not joins,
        )


def _text(cue: Cue) -> str:
    return " ".join(cue.lines)


def _letters(segment: Segment) -> Iterator[Letter]:
    """Yield a segment's letters: by its words' times, or else as if all took equally long."""
    text = tidy(segment.text).replace(" ", "")
    words = [(tidy(word.text).replace(" ", ""), word.start, word.end) for word in segment.words]
    if "".join(word for word, _, _ in words) != text:
        words = [(text, segment.start, segment.end)]
    for word, start, end in words:
        step = (end - start) / max(len(word), 1)
        yield from (Letter(c, start + i * step, start + (i + 1) * step) for i, c in enumerate(word))


def _room(span: tuple[int, int], letters: Sequence[Letter], transcript: Transcript) -> float:
    first, end = span
    begin = max(letters[first - 1].end if first else 0.0, letters[first].start - LEAD)
    limit = letters[end].start if end < len(letters) else max(transcript.duration, letters[end - 1].end)
    return limit - begin


def _tight(span: tuple[int, int], need: float, letters: Sequence[Letter], transcript: Transcript) -> bool:
    """Whether there is less time between the speech before and after it than it needs."""
    return _room(span, letters, transcript) < need + 2 * _MS


def _readable_together(
    texts: Sequence[str], spans: Sequence[tuple[int, int]], letters: Sequence[Letter], transcript: Transcript
) -> bool:
    """Whether two neighbours would be within the guide as one cue."""
    (first, middle), (_, end) = spans
    text = " ".join(texts)
    spoken = letters[end - 1].end - letters[first].start
    if letters[middle].start - letters[middle - 1].end > PAUSE or spoken > LONGEST:
        return False
    if len(wrap(pieces(text, COLUMNS), COLUMNS)) > LINES:
        return False
    need = max(reading_seconds(text, transcript.language), SHORTEST)
    return need <= LONGEST and not _tight((first, end), need, letters, transcript)


@dataclass
class Count:
    """What the cues of some transcripts come to."""

    files: int = 0
    cues: int = 0
    short: int = 0
    fast: int = 0
    frantic: int = 0
    unexplained: int = 0

    def add(self, verdicts: Iterable[Verdict]) -> None:
        self.files += 1
        for verdict in verdicts:
            self.cues += 1
            self.short += verdict.short
            self.fast += verdict.fast
            self.frantic += verdict.frantic
            self.unexplained += verdict.outside and not verdict.reason


def report(folders: Sequence[Path], console: Console, *, verbose: bool) -> int:
    """Print a row per folder; return the exit status: 1 where more cues than allowed are outside without a reason."""
    rows = Table("transcripts", "files", "cues", "under 5/6 s", "too fast", "< 0.5 s or > 25/s", "outside, no reason")
    total = Count()
    for folder in folders:
        groups: dict[str, Count] = {}
        for path in sorted(folder.rglob("*.json")):
            verdicts = judge(Transcript.model_validate_json(path.read_text(encoding="utf-8")))
            name = f"{folder.name}/{path.parent.relative_to(folder)}"
            for count in (total, groups.setdefault(name, Count())):
                count.add(verdicts)
            for verdict in verdicts if verbose else ():
                if verdict.outside:
                    why = "speech" if verdict.reason else "NO REASON"
                    seconds = (verdict.cue.end - verdict.cue.start) / 1000
                    line = f"{path.relative_to(folder)} {verdict.cue.start / 1000:.2f} {seconds:.2f} s {verdict.text!r}"
                    console.print(f"{why}: {line}", markup=False, highlight=False, soft_wrap=True)
        for name, count in groups.items():
            rows.add_row(name, *_cells(count))
    rows.add_row("all", *_cells(total))
    console.print(rows)
    return 1 if total.unexplained > MOST_UNEXPLAINED * total.cues else 0


def _cells(count: Count) -> list[str]:
    return [str(n) for n in (count.files, count.cues, count.short, count.fast, count.frantic, count.unexplained)]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="cues_report", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--verbose", action="store_true", help="name each cue outside of the guide")
    args = parser.parse_args(argv)
    console = Console()
    console.width = max(console.width, 110)
    return report(args.folders, console, verbose=args.verbose)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
