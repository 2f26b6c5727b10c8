"""What a FetchStore promises."""

from __future__ import annotations

import pytest

from tests.factories import NOW
from tiro.errors import Conflict
from tiro.fetch import Fetch
from tiro.ports import FetchStore

NEW = Fetch(job_id="01a", begun_at=NOW)


class FetchStoreContract:
    @pytest.fixture
    def store(self) -> FetchStore:
        raise NotImplementedError

    def test_what_was_saved_is_there_until_it_is_forgotten(self, store: FetchStore) -> None:
        assert store.get("01a") is None
        taken = NEW.taken(round_=1, until=NOW)
        grown = taken.begun(tag='"x"').grown(upload_id="u", etag='"e"', size=8 << 20, whole=False)
        store.save(NEW, taken)
        store.save(taken, grown)
        assert store.get("01a") == grown
        assert store.get("01b") is None
        store.forget("01a")
        store.forget("01a")
        assert store.get("01a") is None

    def test_of_two_one_is_first(self, store: FetchStore) -> None:
        store.save(NEW, taken := NEW.taken(round_=1, until=NOW))
        with pytest.raises(Conflict):
            store.save(NEW, NEW.taken(round_=2, until=NOW))
        store.save(taken, first := taken.begun(tag="a"))
        with pytest.raises(Conflict):
            store.save(taken, taken.begun(tag="b"))
        assert store.get("01a") == first

    def test_the_same_once_more_is_no_error(self, store: FetchStore) -> None:
        store.save(NEW, taken := NEW.taken(round_=1, until=NOW))
        store.save(NEW, taken)
        assert store.get("01a") == taken

    def test_what_was_forgotten_does_not_come_back(self, store: FetchStore) -> None:
        store.save(NEW, taken := NEW.taken(round_=1, until=NOW))
        store.forget("01a")
        with pytest.raises(Conflict):
            store.save(taken, taken.begun(tag="a"))
