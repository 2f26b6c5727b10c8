"""Words in time, from how a model listens: the cheapest way through its attention, then tokens, then words.

The method is openai/whisper's timing.py. Engines bring the attention, or the way through it, and a tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiro.formats.graphemes import is_boundary
from tiro.language import is_spaced
from tiro.ports import HeardWord

BROKEN = "\ufffd"
"""What a tokenizer says for half a character."""

OPENING = frozenset("\"'“¿([{-")
CLOSING = frozenset("\"'.。,，!！?？:：”)]}、")
"""Punctuation that belongs to the word after it, or before it (openai/whisper, timing.py)."""


@dataclass(frozen=True)
class AlignedTokens:
    """The tokens of a window's text. Token i is heard from `times[i]` to `times[i + 1]`, in seconds."""

    times: Any  # numpy, shape (tokens + 1,)
    probabilities: Sequence[float]  # of each token


@dataclass(frozen=True)
class _Piece:
    """Some tokens in a row that are whole characters."""

    text: str
    first: int
    end: int  # the index after the last

    @property
    def is_mark(self) -> bool:
        return bool(mark := self.text.strip()) and (CLOSING | OPENING).issuperset(mark)

    @property
    def opens(self) -> bool:
        """Whether it belongs to what comes after it. A straight quote does so when a space is before it."""
        mark = self.text.strip()
        return self.is_mark and OPENING.issuperset(mark) and (self.text[0] == " " or not CLOSING.issuperset(mark))


def times_of(path: Any, step: float) -> Any:
    """Return when each row of a path begins, in seconds.

    `path`: (2, points), rows and columns of the cheapest way; `step`: seconds of a column.
    """
    rows, columns = path
    return columns[np.diff(rows, prepend=-1).astype(bool)] * step


def words_of(
    segments: Sequence[Sequence[int]], aligned: AlignedTokens, decode: Callable[[list[int]], str], language: str
) -> list[tuple[HeardWord, ...]]:
    """Return the words of each segment, given the tokens of its text. The words together are that text.

    A word's times and probability are those of its letters, without the marks around it.
    """
    found, at = [], 0
    for tokens in segments:
        pieces = _characters(tokens, decode, at)
        found.append(tuple(_timed(word, aligned) for word in _words(pieces, spaced=is_spaced(language))))
        at += len(tokens)
    return found


def _characters(tokens: Sequence[int], decode: Callable[[list[int]], str], at: int) -> Iterator[_Piece]:
    """Yield the shortest runs of tokens that are whole characters; the first token has the index `at`."""
    whole, said, run = decode(list(tokens)), 0, list[int]()
    for i, token in enumerate(tokens, at):
        run.append(token)
        text = decode(run)
        if BROKEN not in text or whole.startswith(text, said):  # some text really is broken
            yield _Piece(text, i + 1 - len(run), i + 1)
            said, run = said + len(text), []


def _words(pieces: Iterable[_Piece], *, spaced: bool) -> list[list[_Piece]]:
    """Join pieces to words, which begin with a space where there are any, and have their marks with them.

    A token may end inside a letter as a reader sees it, such as between a Thai consonant and its vowel: no word does.
    """
    pieces = list(pieces)
    text, at = "".join(piece.text for piece in pieces), 0
    groups: list[list[_Piece]] = []
    for piece in pieces:
        begins = piece.text.startswith(" ") if spaced else not at or is_boundary(text, at)
        if groups and not begins:
            groups[-1].append(piece)
        else:
            groups.append([piece])
        at += len(piece.text)
    words: list[list[_Piece]] = []
    for group in groups:
        ends = all(piece.is_mark for piece in group) and not group[0].opens
        if words and (ends or all(piece.opens for piece in words[-1])):
            words[-1] += group
        else:
            words.append(group)
    return words


def _timed(word: list[_Piece], aligned: AlignedTokens) -> HeardWord:
    letters = [piece for piece in word if not piece.is_mark] or word
    first, end = letters[0].first, letters[-1].end
    return HeardWord(
        start=round(float(aligned.times[first]), 2),
        end=round(float(aligned.times[end]), 2),
        text="".join(piece.text for piece in word),
        probability=float(np.mean(aligned.probabilities[first:end])),
    )


# ---------------------------------------------------------------- the cheapest way


def cheapest_path(cost: Any) -> Any:
    """Return the cheapest way from corner to corner of `cost`, (rows, columns), as (2, points).

    Dynamic time warping as in openai/whisper, timing.py: dtw_cpu, tie for tie; here a whole antidiagonal at once.
    """
    rows, columns = cost.shape
    skewed = _skewed(cost)
    steps = np.full((rows + columns - 1, rows), 2, np.int8)
    never = np.float32(np.inf)
    before = np.full(rows + 1, never, np.float32)  # the antidiagonal before this one, by row, from row -1
    last = np.full(rows + 1, never, np.float32)
    before[0] = 0.0  # the corner outside of the matrix
    for i, here in enumerate(skewed):
        diagonal, up, left = before[:-1], last[:-1], last[1:]
        is_diagonal = (diagonal < up) & (diagonal < left)
        is_up = (up < diagonal) & (up < left)
        steps[i] = np.where(is_diagonal, 0, np.where(is_up, 1, 2))
        best = np.where(is_diagonal, diagonal, np.where(is_up, up, left))
        before, last = last, np.concatenate([[never], (best + here).astype(np.float32)])
    return _back(steps, rows - 1, columns - 1)


def _skewed(cost: Any) -> Any:
    """Return the antidiagonals of `cost`, (rows + columns - 1, rows), with infinity where there is nothing."""
    rows, columns = cost.shape
    filled = np.full((rows, columns + rows), np.inf)
    filled[:, :columns] = cost
    return filled.reshape(-1)[: rows * (columns + rows - 1)].reshape(rows, columns + rows - 1).T


def _back(steps: Any, row: int, column: int) -> Any:
    """Follow the steps from the last corner, (row, column), to the first."""
    path = []
    while row >= 0 and column >= 0:
        path.append((row, column))
        step = steps[row + column, row]
        row, column = row - (step != 2), column - (step != 1)
    return np.array(path[::-1]).T
