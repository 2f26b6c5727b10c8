"""What comes in: mostly short speech, sometimes long, sometimes what is no recording at all."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST = 700.0
"""Seconds of a recording: ten hours of silence would make an hour of their own."""

SHARES = {"speech": 70, "formats": 10, "dialogue": 8, "awkward": 9, "long": 3}
"""Of a hundred jobs, by category of the corpus."""

DROPS, CANCELLED = 0.2, 0.03
"""The shares of jobs that come as a file in the inbox, and that their owner cancels."""


@dataclass(frozen=True)
class Arrival:
    clip: Path
    dropped: bool  # in the inbox; else it is submitted
    cancelled: bool


def arrivals(corpus: Path, sample: Path, seed: int) -> Iterator[Arrival]:
    """Yield jobs without end, the same for the same seed; of a machine without a corpus, the sample again and again."""
    dice = random.Random(seed)  # noqa: S311
    clips = _clips(corpus) or {"speech": [sample]}
    names = [name for name in SHARES if clips.get(name)]
    while True:
        [name] = dice.choices(names, [SHARES[each] for each in names])
        clip = dice.choice(clips[name])
        dropped = dice.random() < DROPS
        yield Arrival(clip, dropped, cancelled=not dropped and dice.random() < CANCELLED)


def _clips(corpus: Path) -> dict[str, Sequence[Path]]:
    manifest = corpus / "manifest.jsonl"
    if not manifest.is_file():
        return {}
    known = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    return {
        name: [corpus / one["path"] for one in known if one["category"] == name and (one["duration"] or 0) <= LONGEST]
        for name in SHARES
    }
