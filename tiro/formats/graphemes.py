"""Where text may be cut at all: between the units that a reader sees as one letter or syllable.

The rules are Unicode's extended grapheme clusters (UAX #29), tailored for the scripts of South-East Asia that
write no spaces between words. They need no dictionary, only the characters around a place, so that a web page can
apply the same rules to the same text. ADR 0023 lists them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

ZERO_WIDTH_SPACE = "\u200b"
"""Marks the end of a word where no space is seen, mostly in Khmer, Thai and Burmese."""

_ZWJ = "\u200d"  # zero width joiner: makes one emoji of two
_WORD_JOINER = "\u2060"
_ASAT = "\u103a"  # a virama by its class, but a visible mark that ends a Burmese syllable

_RO_RUA = "\u0e23"  # Thai; written twice it is a vowel, RO HAN

_LEADING = re.compile("[\u0e40-\u0e44\u0ec0-\u0ec4\u19b5-\u19b7\u19ba\uaab5\uaab6\uaab9\uaabb\uaabc]")
"""Vowels stored before the consonant that they belong to (Unicode, PropList.txt: Logical_Order_Exception)."""

_TRAILING = re.compile("[\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ebd\u0ec6\u17d7\u17dc]")
"""Letters by their category that never begin a line: Thai and Lao vowels after a consonant, repetition marks, and
abbreviation marks."""

_EXTENDING = re.compile("[\U0001f3fb-\U0001f3ff\uff9e\uff9f]")
"""Emoji skin tones and half-width Japanese voicing marks: extending, but no marks by their category (UAX #29)."""

_FINAL = re.compile(
    "[\u0e01-\u0e2e][\u0e34\u0e38]?\u0e4c|\u0e23\u0e23"  # Thai: a letter that THANTHAKHAT silences; RO HAN
    "|[\u0e81-\u0eae\u0edc\u0edd]\u0ecc"  # Lao: the same
    "|[\u1780-\u17b3]\u17cd"  # Khmer: the same, TOANDAKHIAT
    "|[\u1000-\u102a\u103f\u1050-\u1055\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081\u108e]"
    "(?:\u1037?\u103a|\u1039)"  # Burmese: a consonant that ends its syllable, by ASAT or by a letter stacked under it
)
"""Consonants that belong to the syllable before them, as the sign after them says."""

_OPEN = re.compile(
    "(?:[\u0e31\u0e37]|\u0e40[\u0e01-\u0e2e]{1,2}\u0e47)[\u0e48-\u0e4b]?$"  # Thai: MAI HAN-AKAT, SARA UEE, short E
    "|[\u0eb1\u0ebb][\u0ec8-\u0ecb]?$"  # Lao: MAI KAN, MAI KON
)
"""Vowel signs that are never the last of their syllable: the consonant after them belongs to it."""

_CONSONANT = re.compile("[\u0e01-\u0e2e\u0e81-\u0eae]")  # Thai and Lao

_DIPHTHONG = re.compile("\u0e40[\u0e01-\u0e2e]{1,2}\u0e35[\u0e48-\u0e4b]?$")
"""Thai SARA IA without its last letter, YO YAK."""

_MOST_FLAGS = 64
"""Regional indicators in a row of which the first is looked for; an even number."""

_LONGEST_CONTEXT = 5
"""Characters that `_OPEN` and `_DIPHTHONG` look back."""


def is_boundary(text: str, at: int) -> bool:
    """Return whether text may be cut before the character at index `at`, from 1 to len(text) - 1."""
    before, after = text[at - 1], text[at]
    if after == " ":
        return True
    if before < "\u0300" and after < "\u0300":
        return after != "\u00ad"  # no script below has clusters; a soft hyphen stays with what it follows
    if attaches(after) or _binds(before, after):
        return False
    if before in (" ", ZERO_WIDTH_SPACE):
        return True
    if "\U0001f1e6" <= after <= "\U0001f1ff":
        return _flags_end(text, at)
    if _FINAL.match(text, at) and _same_block(before, after):
        return False
    if before == after == _RO_RUA:
        return False
    context = text[max(0, at - _LONGEST_CONTEXT) : at]
    if _CONSONANT.match(after) and _OPEN.search(context):
        return False
    return not (after == "\u0e22" and _DIPHTHONG.search(context))


def clusters(text: str) -> list[str]:
    """Return the text in its smallest units; joined, they are the text."""
    cuts = [0, *(at for at in range(1, len(text)) if is_boundary(text, at)), len(text)]
    return [text[a:b] for a, b in pairwise(cuts) if a < b]


@lru_cache(maxsize=4096)
def attaches(character: str) -> bool:
    """Return whether a character always belongs to the one before it.

    All marks do. UAX #29 excepts some vowels of Burmese (AA, visarga), which no line may begin with either.
    """
    if unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"}:
        return True
    return bool(_TRAILING.match(character) or _EXTENDING.match(character)) or _is_jamo_inside(character)


def leads(character: str) -> bool:
    """Return whether a character is a vowel that is stored before its consonant."""
    return bool(_LEADING.match(character))


@lru_cache(maxsize=4096)
def _binds(before: str, after: str) -> bool:
    """Return whether a character belongs to the one after it, whatever stands around both."""
    if before in {_ZWJ, _WORD_JOINER} or leads(before):
        return True
    if "\u1100" <= before <= "\u115f" or "\ua960" <= before <= "\ua97c":  # Hangul: a syllable's first letter
        return _is_hangul(after)
    # A virama stacks the next letter under its own: Khmer COENG, and conjuncts of Indic scripts.
    return unicodedata.combining(before) == 9 and before != _ASAT and unicodedata.category(after) == "Lo"


def _is_jamo_inside(character: str) -> bool:
    return "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7fb"


def _is_hangul(character: str) -> bool:
    return "\u1100" <= character <= "\u11ff" or "\uac00" <= character <= "\ud7fb" or "\ua960" <= character <= "\ua97c"


def _flags_end(text: str, at: int) -> bool:
    """Return whether a whole number of flags, of two regional indicators each, ends before `at`."""
    first = at
    while first > max(0, at - _MOST_FLAGS) and "\U0001f1e6" <= text[first - 1] <= "\U0001f1ff":
        first -= 1
    return (at - first) % 2 == 0


def _same_block(one: str, other: str) -> bool:
    """Return whether both are in the same 128 characters, which tells the scripts concerned apart."""
    return ord(one) >> 7 == ord(other) >> 7 or {ord(one) >> 8, ord(other) >> 8} == {0x10}
