"""What a reader may choose of a rendering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tiro.formats.rules import DEFAULT_RULES, Rules

Granularity = Literal["word", "segment"]


@dataclass(frozen=True)
class Wishes:
    """Each format looks at what it knows of, and at nothing else."""

    rules: Rules = DEFAULT_RULES  # of subtitles
    granularities: tuple[Granularity, ...] = ("segment",)  # of verbose_json
    task: str = "transcribe"  # of verbose_json: what was asked for
    job_name: str = ""  # of transcribe
    account_id: str = ""  # of transcribe


NO_WISHES = Wishes()
