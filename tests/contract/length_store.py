"""What a LengthStore promises: the last word stays."""

from __future__ import annotations

import pytest

from tiro.ports import LengthStore


class LengthStoreContract:
    @pytest.fixture
    def lengths(self) -> LengthStore:
        raise NotImplementedError

    def test_nothing_is_known_at_first(self, lengths: LengthStore) -> None:
        assert lengths.get() is None

    def test_the_last_word_stays(self, lengths: LengthStore) -> None:
        lengths.put(600)
        lengths.put(61.5)
        assert lengths.get() == 61.5
