"""What a PaceStore promises."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.factories import NOW
from tiro.pace import Pace
from tiro.ports import PaceStore


class PaceStoreContract:
    @pytest.fixture
    def store(self) -> PaceStore:
        raise NotImplementedError

    def test_what_was_done_lately_is_this_hour_and_the_one_before(self, store: PaceStore) -> None:
        hour = timedelta(hours=1)
        began: datetime = NOW.replace(minute=0)
        assert store.lately(at=NOW) == Pace()
        for seconds, at in ((100.0, began - 2 * hour), (1.5, began - hour), (2.25, NOW), (3.0, NOW)):
            store.note(seconds, at=at)
        assert store.lately(at=NOW) == Pace(3, 6.75)
        assert store.lately(at=NOW + hour) == Pace(2, 5.25)
        assert store.lately(at=NOW + 2 * hour) == Pace()
