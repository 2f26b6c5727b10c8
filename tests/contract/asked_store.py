"""What an AskedStore promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW
from tiro.ports import AskedStore

UNTIL = NOW + timedelta(minutes=10)


class AskedStoreContract:
    @pytest.fixture
    def store(self) -> AskedStore:
        raise NotImplementedError

    def test_the_first_answers_for_as_long_as_it_is_good(self, store: AskedStore) -> None:
        assert store.note("a", "job-1", now=NOW, until=UNTIL) == "job-1"
        assert store.note("a", "job-2", now=NOW, until=UNTIL) == "job-1"
        assert store.note("a", "job-3", now=UNTIL - timedelta(microseconds=1), until=UNTIL) == "job-1"
        assert store.note("b", "job-4", now=NOW, until=UNTIL) == "job-4"

    def test_what_is_no_longer_good_gives_way(self, store: AskedStore) -> None:
        store.note("a", "job-1", now=NOW, until=UNTIL)
        assert store.note("a", "job-2", now=UNTIL, until=UNTIL + timedelta(minutes=10)) == "job-2"
        assert store.note("a", "job-3", now=UNTIL, until=UNTIL) == "job-2"

    def test_a_job_that_answers_no_more_gives_way_once(self, store: AskedStore) -> None:
        store.note("a", "job-1", now=NOW, until=UNTIL)
        assert store.note("a", "job-2", now=NOW, until=UNTIL, instead_of="job-1") == "job-2"
        assert store.note("a", "job-3", now=NOW, until=UNTIL, instead_of="job-1") == "job-2"
