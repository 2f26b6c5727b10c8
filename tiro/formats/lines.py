"""Where a line of subtitles may end, in scripts with spaces and in scripts without."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from tiro.formats.graphemes import ZERO_WIDTH_SPACE, attaches, clusters, is_boundary, leads

_SENTENCE_ENDS = frozenset(".!?…。！？｡؟۔।॥።")
_LATE = frozenset("!?;:»%")  # stand after a space in French, and still end their line
_CLAUSE_ENDS = frozenset(",;:–—،؛、，；：､")
_CLOSERS = frozenset("\"'»”’)]}）」』】》")  # may follow the mark that ends a sentence
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
_TSHEG = "\u0f0b"  # the mark between Tibetan syllables, after which a line may end

_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf\U00011700-\U0001174f]"
)
"""Scripts of South-East Asia without spaces between words (UAX #14, class SA): Thai, Lao, Burmese, Khmer, the Tai
scripts and Ahom. Their words are known to a dictionary alone, so that a line ends at a space, if it can."""

_NO_COLUMNS = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff]")
"""Hangul letters inside a syllable and emoji skin tones: drawn in the columns of what is before them."""


def tidy(text: str) -> str:
    """Return text on one line: each run of white space one space, and no control characters."""
    shown = (c for c in text if c.isspace() or unicodedata.category(c) != "Cc")
    return " ".join("".join(shown).split())


def width(text: str) -> int:
    """Return the columns text takes: two for a wide character, none for an accent that stands on another."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def pieces(text: str, columns: int) -> list[str]:
    """Cut tidy text wherever a line may end; the pieces, joined, are the text.

    A piece keeps the space behind it. What is wider than a line and has no place to end one is cut further: in a
    script without spaces between its syllables, and anything else, such as an address, where the line is full.
    """
    cut: list[str] = []
    for run in _cut(text, may_break):
        parts = [run] if width(run.rstrip()) <= columns else _syllables(run, columns)
        for part in parts:
            cut += [part] if width(part.rstrip()) <= columns else _filled(part, columns)
    return cut


def _cut(text: str, may_break: Callable[[str, int], bool]) -> list[str]:
    cuts = [0, *(at for at in range(1, len(text)) if may_break(text, at)), len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if a < b]


def _syllables(run: str, columns: int) -> list[str]:
    """Cut a run of a script without spaces, rather between two syllables that show a vowel.

    A letter without one is often the end of the syllable before it, or the beginning of the one after it. A vowel that
    is written before its consonant begins a syllable in any case.
    """
    units = _cut(run, _may_break_inside)
    joined: list[list[str]] = []
    for before, unit in zip(["", *units], units, strict=False):
        if joined and not leads(unit[0]) and (_is_bare(before) or _is_bare(unit)):
            joined[-1].append(unit)
        else:
            joined.append([unit])
    return [part for each in joined for part in (["".join(each)] if width("".join(each)) <= columns else each)]


def _is_bare(unit: str) -> bool:
    return len(unit.rstrip()) == 1 and bool(_UNSPACED.match(unit))


def _filled(text: str, columns: int) -> list[str]:
    """Cut text that is wider than a line where the line is full; inside a letter only if that alone is wider."""
    units = [unit for each in clusters(text) for unit in ([each] if width(each) <= columns else _characters(each))]
    cut, taken = [""], 0
    for unit in units:
        if cut[-1] and unit != " " and taken + width(unit.rstrip()) > columns:
            cut.append("")
            taken = 0
        cut[-1] += unit
        taken += width(unit)
    return cut


def _characters(text: str) -> list[str]:
    """Return the characters of text, each with what follows it and takes no columns."""
    return _cut(text, lambda text, at: _columns(text[at]) > 0)


def wrap(parts: list[str], columns: int) -> list[str]:
    """Fill lines with pieces, in the fewest lines, and with those about equally long."""
    fewest = len(_fill(parts, columns))
    # Of all widths that give as few lines, the least gives the evenest.
    narrow = columns
    while narrow > 1 and len(_fill(parts, narrow - 1)) == fewest:
        narrow -= 1
    return _fill(parts, narrow)


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
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} or _NO_COLUMNS.match(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def may_break(text: str, at: int) -> bool:
    """Return whether a line may end before the character at index `at`.

    A short reading of Unicode's line breaking (UAX #14): at spaces, visible or not, and around most ideographs.
    """
    before, after = text[at - 1], text[at]
    if before == " ":
        return after not in _LATE and not attaches(after)
    if before in (ZERO_WIDTH_SPACE, _TSHEG):
        return is_boundary(text, at) and not _never_first(after)
    return (_ideographic(before) or _ideographic(after)) and _parts(text, at)


def _may_break_inside(text: str, at: int) -> bool:
    """Return whether a line may end before `at` inside a run without spaces: in scripts that write none."""
    before, after = text[at - 1], text[at]
    if _UNSPACED.match(before) and _UNSPACED.match(after) and before.isdecimal() and after.isdecimal():
        return False
    return bool(_UNSPACED.match(before) or _UNSPACED.match(after)) and _parts(text, at)


def _parts(text: str, at: int) -> bool:
    """Return whether neither the character before `at` nor the one after it wants to stay with the other."""
    before, after = text[at - 1], text[at]
    if after == " " or _never_first(after) or unicodedata.category(before) in {"Ps", "Pi", "Sc"}:
        return False
    return is_boundary(text, at)


@lru_cache(maxsize=4096)
def _never_first(character: str) -> bool:
    """Return whether no line begins with it: closing brackets, stops, long-vowel and repetition marks."""
    return character in _SMALL_KANA or unicodedata.category(character) in {"Pe", "Pf", "Po", "Pd", "Lm", "Sk"}


@lru_cache(maxsize=4096)
def _ideographic(character: str) -> bool:
    # Korean is as wide as Chinese, but puts spaces between its words and keeps them whole.
    hangul = "\u1100" <= character <= "\u11ff" or "\uac00" <= character <= "\ud7a3"
    return _columns(character) == 2 and not hangul
