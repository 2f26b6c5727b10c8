"""What a LaunchStore promises: whoever saw no more than was there before the last asking may not ask."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW
from tiro.ports import LaunchStore

SECOND = timedelta(seconds=1)


class LaunchStoreContract:
    @pytest.fixture
    def launches(self) -> LaunchStore:
        raise NotImplementedError

    def test_the_first_one_may(self, launches: LaunchStore) -> None:
        assert launches.note(NOW, unless_since=NOW)

    def test_after_it_only_who_saw_more_may(self, launches: LaunchStore) -> None:
        launches.note(NOW, unless_since=NOW)
        assert not launches.note(NOW + 9 * SECOND, unless_since=NOW - SECOND)
        assert not launches.note(NOW + 9 * SECOND, unless_since=NOW)
        assert launches.note(NOW + 9 * SECOND, unless_since=NOW + SECOND)
        assert not launches.note(NOW + 10 * SECOND, unless_since=NOW + SECOND)

    def test_who_may_not_changes_nothing(self, launches: LaunchStore) -> None:
        launches.note(NOW, unless_since=NOW)
        launches.note(NOW + 9 * SECOND, unless_since=NOW)
        assert launches.note(NOW + 9 * SECOND, unless_since=NOW + SECOND)
