"""Short recordings of speech, each with words that its transcript must have."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

LONGEST_SECONDS = 15.0
"""Of a clip: the load is many calls, not much audio."""

ENOUGH = 0.6
"""The share of a reference's words that a transcript must have. Far below what any engine reaches with its own clip,
and far above what it has in common with another's."""


@dataclass(frozen=True)
class Clip:
    path: Path
    reference: str

    def heard_in(self, text: str) -> bool:
        """Return whether the transcript is of this clip."""
        wanted = _words(self.reference)
        return len(wanted & _words(text)) >= ENOUGH * len(wanted)


def clips(corpus: Path, sample: Path) -> list[Clip]:
    """Return the corpus's short English speech with exact references; without a corpus, the sandbox's sample."""
    manifest = corpus / "manifest.jsonl"
    if not manifest.is_file():
        return [Clip(sample, sample.with_suffix(".txt").read_text("utf-8"))]
    known = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    return [
        Clip(corpus / one["path"], one["text"])
        for one in known
        if (one["category"], one["language"], one["ref_quality"]) == ("speech", "en", "exact")
        and (one["duration"] or 0.0) <= LONGEST_SECONDS
        and len(_words(one["text"])) >= 5
    ]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.lower()))
