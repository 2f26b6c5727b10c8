"""Text in time: the pieces of a segment, each with the seconds in which it is spoken and those it takes to read."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from tiro.formats.lines import pieces, tidy, width
from tiro.transcript import Segment

COLUMNS_A_SECOND = 20.0
WIDE_A_SECOND = {"ja": 7.0, "ko": 14.0}
IDEOGRAPHS_A_SECOND = 11.0
"""How fast adults read subtitles in the language that is spoken: 20 characters a second, of Japanese 7, of Korean 14,
of Chinese 11 (Netflix Timed Text Style Guides, "Reading Speed Limits" of SDH). There, a narrow character between wide
ones counts as half of one, as columns do."""


@dataclass(frozen=True)
class Piece:
    """Text that stays on one line. Times are in seconds, on the recording's clock."""

    text: str  # with the space behind it
    start: float
    end: float
    read: float  # seconds that it takes to read, its space included
    columns: int  # its width, its space included
    closes: bool = False  # whether it is the last of its segment


def spoken(segment: Segment, language: str, columns: int, speed: float | None) -> Iterator[Piece]:
    """Yield the pieces of a segment, which fit lines of so many columns.

    `language`: BCP 47; `speed`: columns that are read in a second, or None for the guide's.
    """
    text = tidy(segment.text)
    clock = _Clock(segment, text)
    begun, letters = 0, _letters(text)
    for piece in pieces(text, columns):
        ended = begun + _letters(piece)
        start = clock.starts(begun)
        read = _seconds_to_read(piece, language, speed)
        yield Piece(piece, start, max(start, clock.ends(ended)), read, width(piece), ended >= letters)
        begun = ended


def rows(parts: Iterable[Piece], columns: int) -> int:
    """Return how many lines the pieces fill."""
    found, taken = 0, 0
    for piece in parts:
        bare = piece.columns - piece.text.endswith(" ")
        if found and taken + bare <= columns:
            taken += piece.columns
        else:
            found, taken = found + 1, piece.columns
    return found


def _seconds_to_read(text: str, language: str, speed: float | None) -> float:
    if speed is not None:
        return width(text) / speed
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    narrow = width(text) - 2 * wide
    return narrow / COLUMNS_A_SECOND + wide / WIDE_A_SECOND.get(language.split("-")[0], IDEOGRAPHS_A_SECOND)


class _Clock:
    """Tells when a letter of a segment is spoken: by its words' times, or else as if all took equally long.

    Letters are counted without spaces, which words and text do not always agree on.
    """

    def __init__(self, segment: Segment, text: str) -> None:
        words = [(tidy(word.text), word.start, word.end) for word in segment.words]
        if "".join(word for word, _, _ in words).replace(" ", "") != text.replace(" ", ""):
            words = []  # the text was corrected, or words were lost
        self._letters = _letters(text)
        self._start = _finite(segment.start)
        self._end = max(self._start, _finite(segment.end))
        self._spans = [span for span in words if span[0]] or [(text, self._start, self._end)]
        self._reached = [
            0,
            *accumulate(_letters(word) for word, _, _ in self._spans),
        ]  # letters before each span, and all

    def starts(self, letter: int) -> float:
        """Return the second at which the letter of this number, from 0, begins."""
        return self._start if letter == 0 else self._at(letter, bisect_right(self._reached, letter) - 1)

    def ends(self, letter: int) -> float:
        """Return the second at which so many letters are spoken."""
        return self._end if letter >= self._letters else self._at(letter, bisect_left(self._reached, letter) - 1)

    def _at(self, letter: int, number: int) -> float:
        """Return when so many letters are spoken, of which the last is in the span of this number."""
        if number >= len(self._spans):
            return self._end
        _, start, end = self._spans[number]
        begun, ended = self._reached[number : number + 2]
        at = _finite(start) + (_finite(end) - _finite(start)) * (letter - begun) / (ended - begun)
        return min(max(at, self._start), self._end)


def _finite(seconds: float) -> float:
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _letters(text: str) -> int:
    return len(text) - text.count(" ")
