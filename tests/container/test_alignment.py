"""Words of languages without spaces are whole letters as a reader sees them, whatever the tokens are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.alignment import AlignedTokens, words_of
from tests.tiro.formats.test_lines import UNSPACED
from tiro.formats.graphemes import is_boundary
from tiro.language import is_spaced


def words(tokens: list[str], language: str) -> list[str]:
    """Return the words that tokens, each a text, are joined to."""
    aligned = AlignedTokens(np.arange(len(tokens) + 1) * 0.1, [0.9] * len(tokens))

    def decode(run: list[int]) -> str:
        return "".join(tokens[i] for i in run)

    [found] = words_of([range(len(tokens))], aligned, decode, language)
    return [word.text for word in found]


@pytest.mark.parametrize(
    ("language", "tokens", "expected"),
    [
        ("th", ["ก", "ำ", "เ", "ม", "ื", "อ", "ง"], ["กำ", "เมือ", "ง"]),
        ("lo", ["ຫ", "ົ", "ວ", "ໃ", "ຈ"], ["ຫົວ", "ໃຈ"]),
        ("my", ["မ", "ြ", "န", "်", "မ", "ာ"], ["မြန်", "မာ"]),
        ("km", ["ខ", "្", "ម", "ែ", "រ"], ["ខ្មែរ"]),
        ("ja", ["猫", "だ", "。"], ["猫", "だ。"]),
        ("en", [" Hel", "lo", ",", " you"], [" Hello,", " you"]),
    ],
)
def test_tokens_become_words(language: str, tokens: list[str], expected: list[str]) -> None:
    assert words(tokens, language) == expected


@given(UNSPACED.filter(str.strip), st.data())
def test_no_word_ends_inside_a_cluster(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(text) - 1, 1)), max_size=20)))
    tokens = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if a < b]
    for language in ("th", "lo", "my"):
        assert not is_spaced(language)
        found, at = words(tokens, language), 0
        assert "".join(found) == text
        for word in found[:-1]:
            at += len(word)
            assert is_boundary(text, at)
