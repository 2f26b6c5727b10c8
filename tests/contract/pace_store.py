"""What a PaceStore promises: the last word stays."""

from __future__ import annotations

import pytest

from tiro.ports import PaceStore


class PaceStoreContract:
    @pytest.fixture
    def pace(self) -> PaceStore:
        raise NotImplementedError

    def test_nothing_is_known_at_first(self, pace: PaceStore) -> None:
        assert pace.get() is None

    def test_the_last_word_stays(self, pace: PaceStore) -> None:
        pace.put(600)
        pace.put(61.5)
        assert pace.get() == 61.5
