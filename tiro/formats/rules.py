"""What a subtitle may be: how wide, how high, how long, how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """How much may stand on the screen at once, and for how long.

    The defaults are those of Netflix's Timed Text Style Guide: 42 columns in 2 lines for Latin scripts, 5/6 s to 7 s. A
    wide character takes two columns, which makes 21 of them a line.
    """

    columns: int = 42
    lines: int = 2
    seconds: float | None = 7.0  # of one cue, at most; None: as long as it is spoken
    speed: float | None = None  # columns a second, at most; None: the guide's for the language
    shortest: float = 5 / 6  # seconds of one cue, at least, where there is room for it


DEFAULT_RULES = Rules()
