"""Where a line of subtitles may end, in scripts with spaces and in scripts without."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_SENTENCE_ENDS = frozenset(".!?…。！？｡؟۔।॥።")
_LATE = frozenset("!?;:»%")  # stand after a space in French, and still end their line
_CLAUSE_ENDS = frozenset(",;:–—،؛、，；：､")
_CLOSERS = frozenset("\"'»”’)]}）」』】》")  # may follow the mark that ends a sentence
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
_JOINER = "\u200d"  # makes one emoji of two


def tidy(text: str) -> str:
    """Return text on one line: each run of white space one space, and no control characters."""
    shown = (c for c in text if c.isspace() or unicodedata.category(c) != "Cc")
    return " ".join("".join(shown).split())


def width(text: str) -> int:
    """Return the columns text takes: two for a wide character, none for an accent that stands on another."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def pieces(text: str, columns: int) -> list[str]:
    """Cut tidy text wherever a line may end; the pieces, joined, are the text.

    A piece keeps the space behind it. One that is wider than a line, such as an address, is cut where the
    line is full: the only case in which a word is.
    """
    cut, piece, taken = [], "", 0
    for character in text:
        wide = _columns(character)
        if piece and (_may_break(piece[-1], character) or (wide and character != " " and taken + wide > columns)):
            cut.append(piece)
            piece, taken = "", 0
        piece += character
        taken += wide
    return [*cut, piece] if piece else cut


def wrap(parts: list[str], columns: int) -> list[str]:
    """Fill lines with pieces, in the fewest lines, and with those about equally long."""
    fewest = len(_fill(parts, columns))
    # Of all widths that give as few lines, the least gives the evenest.
    narrow = columns
    while narrow > 1 and len(_fill(parts, narrow - 1)) == fewest:
        narrow -= 1
    return _fill(parts, narrow)


def count(parts: list[str], columns: int) -> int:
    """Return how many lines the pieces fill."""
    return len(_fill(parts, columns))


def weight(piece: str) -> float:
    """Return how good a place the end of a piece is to begin a new cue: 0 anywhere, more after punctuation."""
    bare = piece.rstrip().rstrip("".join(_CLOSERS))
    if not bare:
        return 0.0
    return 0.25 if bare[-1] in _SENTENCE_ENDS else 0.15 if bare[-1] in _CLAUSE_ENDS else 0.0


def _fill(parts: list[str], columns: int) -> list[str]:
    lines: list[str] = []
    taken = 0
    for part in parts:
        if lines and taken + width(part.rstrip()) <= columns:
            lines[-1] += part
            taken += width(part)
        else:
            lines.append(part)
            taken = width(part)
    return [line.rstrip() for line in lines]


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _may_break(before: str, after: str) -> bool:
    """A short reading of Unicode's line breaking (UAX #14): at spaces, and around most ideographs."""
    if before == " ":
        return after not in _LATE
    if not (_ideographic(before) or _ideographic(after)) or after == " " or _columns(after) == 0:
        return False
    if after in _SMALL_KANA or unicodedata.category(after) in {"Pe", "Pf", "Po", "Pd", "Lm", "Sk"}:
        return False  # never begins a line: closing brackets, stops, long-vowel and repetition marks
    return before != _JOINER and unicodedata.category(before) not in {"Ps", "Pi"}


def _ideographic(character: str) -> bool:
    # Korean is as wide as Chinese, but puts spaces between its words and keeps them whole.
    hangul = "\u1100" <= character <= "\u11ff" or "\uac00" <= character <= "\ud7a3"
    return _columns(character) == 2 and not hangul
