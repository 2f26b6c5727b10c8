"""What a FetchStore promises."""

from __future__ import annotations

from datetime import timedelta

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

    def test_silent_are_those_that_nobody_holds_and_no_message_brings_on(self, store: FetchStore) -> None:
        later = NOW + timedelta(hours=1)
        held = NEW.taken(round_=1, until=later)
        store.save(NEW, held)
        assert store.silent(later, limit=10) == []
        store.save(held, released := held.released(failed=False, at=NOW + timedelta(minutes=1)))
        assert store.silent(NOW + timedelta(minutes=1), limit=10) == []
        assert store.silent(NOW + timedelta(minutes=2), limit=10) == [released]
        store.save(released, released.resent(at=later))
        assert store.silent(later, limit=10) == []
        store.forget("01a")
        assert store.silent(later + timedelta(hours=1), limit=10) == []
