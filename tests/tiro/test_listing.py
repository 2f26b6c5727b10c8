"""A list is walked page by page to its end, and a cursor opens nothing."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories import make_job
from tests.fakes import FakeClock, FakeJobStore
from tests.fakes_listing import FakeJobIndex, FakeUsageStore
from tiro import service
from tiro.errors import InvalidRequest, NotAudio
from tiro.job import Job, JobStatus, new_id
from tiro.listing import MOST_JOBS, JobListView, ListQuery, month_before, parse_query
from tiro.service.listing import MOST_LOOKS

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


class Shelf:
    """An owner's jobs, and the asking for them."""

    def __init__(self) -> None:
        self.jobs = FakeJobStore()
        self.index = FakeJobIndex(self.jobs)

    def add(self, at: datetime, *, failed: bool = False, owner: str = "ada", batch: str | None = None) -> Job:
        entropy = len(self.jobs.jobs).to_bytes(10, "big")
        job = self.jobs.create(make_job(id=new_id(at, entropy), created_at=at, owner=owner, batch=batch))
        if failed:
            self.jobs.save(job, job.failed(at=at, problem=NotAudio().problem()))
        return job

    def page(self, owner: str = "ada", **query: object) -> JobListView:
        usage = FakeUsageStore(self.jobs)
        return service.list_jobs(
            ListQuery.model_validate(query), owner=owner, index=self.index, usage=usage, clock=FakeClock(NOW)
        )

    def walk(self, owner: str = "ada", **query: object) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = self.page(owner, **query, cursor=cursor)
            found += [job.id for job in page.data]
            cursor = page.next_cursor
            if cursor is None:
                return found


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def test_nobody_s_list_is_empty_and_asks_for_nothing(shelf: Shelf) -> None:
    assert shelf.page() == JobListView(data=(), next_cursor=None)
    assert shelf.index.looks == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_every_job_comes_once_and_the_newest_first(shelf: Shelf, limit: int) -> None:
    made = [shelf.add(NOW - timedelta(days=13 * n)) for n in reversed(range(7))][::-1]
    shelf.add(NOW, owner="bob")
    assert shelf.walk(limit=limit) == [job.id for job in made]


def test_the_last_page_says_so(shelf: Shelf) -> None:
    for n in range(4):
        shelf.add(NOW - timedelta(seconds=n))
    first = shelf.page(limit=2)
    assert (len(first.data), bool(first.next_cursor)) == (2, True)
    second = shelf.page(limit=2, cursor=first.next_cursor)
    assert (len(second.data), second.next_cursor) == (2, None)


def test_more_than_the_most_are_the_most(shelf: Shelf) -> None:
    for n in range(MOST_JOBS + 5):
        shelf.add(NOW - timedelta(seconds=n))
    assert len(shelf.page(limit=10_000).data) == MOST_JOBS
    assert len(shelf.page().data) == 20


def test_filters_are_kept_over_pages(shelf: Shelf) -> None:
    at = [NOW - timedelta(days=10 * n) for n in range(9)]
    made = [shelf.add(when, failed=n % 2 == 0) for n, when in reversed(list(enumerate(at)))][::-1]
    assert shelf.walk(limit=1, status="failed") == [job.id for job in made[::2]]
    between: dict[str, Any] = {"created_after": at[6], "created_before": at[2]}
    assert shelf.walk(limit=2, **between) == [job.id for job in made[3:7]], "from the first on, up to the other"
    assert shelf.walk(limit=2, status="failed", **between) == [made[4].id, made[6].id]
    assert shelf.walk(created_before=datetime(2020, 1, 1, tzinfo=UTC)) == []
    assert shelf.walk(created_after=NOW + timedelta(days=400)) == []


def test_walking_back_ends_at_the_owner_s_first_job(shelf: Shelf) -> None:
    shelf.add(NOW - timedelta(days=62))
    shelf.page()
    assert shelf.index.looks == 4  # one month more than there can be jobs in: clocks differ


def test_a_page_looks_no_longer_than_it_may(shelf: Shelf) -> None:
    job = shelf.add(datetime(2019, 7, 1, tzinfo=UTC))
    page = shelf.page()
    assert (page.data, shelf.index.looks) == ((), MOST_LOOKS)
    assert page.next_cursor
    assert shelf.walk() == [job.id]


def test_a_rare_status_is_found_among_many(shelf: Shelf) -> None:
    rare = shelf.add(NOW - timedelta(days=1), failed=True)
    for n in range(600):
        shelf.add(NOW - timedelta(seconds=n))
    assert shelf.walk(status="failed", limit=5) == [rare.id]


def test_a_batch_s_jobs_are_found_among_others_and_nothing_before_it_is_looked_at(shelf: Shelf) -> None:
    batch = new_id(NOW - timedelta(days=1), bytes(10))
    for n in range(600):
        shelf.add(NOW - timedelta(days=2, seconds=n))
    made = [shelf.add(NOW - timedelta(days=1), batch=batch, failed=n == 0) for n in range(5)][::-1]
    shelf.add(NOW)
    assert shelf.walk(batch=batch, limit=2) == [job.id for job in made]
    assert shelf.walk(batch=batch, status="failed") == [made[-1].id]
    assert shelf.page(batch=batch).data[0].batch == batch
    assert shelf.index.looks < 20, "what is older than the batch is not in it"
    assert shelf.walk("bob", batch=batch) == []


class TestCursor:
    def test_it_belongs_to_its_owner_and_its_filters(self, shelf: Shelf) -> None:
        for n in range(3):
            shelf.add(NOW - timedelta(seconds=n))
            shelf.add(NOW - timedelta(seconds=n), owner="bob")
        cursor = shelf.page(limit=1).next_cursor
        assert shelf.page(limit=2, cursor=cursor).data, "a page may have another size"
        for other in ({"owner": "bob"}, {"status": "failed"}, {"created_after": NOW - timedelta(days=1)}):
            with pytest.raises(InvalidRequest, match="/cursor: it belongs to another list"):
                shelf.page(**other, cursor=cursor)

    @pytest.mark.parametrize(
        "text",
        [
            *("[]", "{}", "1", "null", '["2026-01","01a"]', "[" * 5000),
            *('["2026-13","01a","x"]', '["2026-01","../x","y"]', '["2026-01","01a","x"]'),
            *('["2026-01",{"a":1},"x"]', '["٢٠٢٦-01","01a","x"]'),
        ],
    )
    def test_nobody_else_makes_one(self, shelf: Shelf, text: str) -> None:
        shelf.add(NOW)
        with pytest.raises(InvalidRequest, match="/cursor"):
            shelf.page(cursor=urlsafe_b64encode(text.encode()).decode().rstrip("="))

    @pytest.mark.parametrize("cursor", ["", "x", "é", "%00", "=" * 9, "a" * 5000])
    def test_garbage_is_told_to_be_garbage(self, shelf: Shelf, cursor: str) -> None:
        shelf.add(NOW)
        with pytest.raises(InvalidRequest, match="/cursor"):
            shelf.page(cursor=cursor)


class TestQuery:
    def test_what_is_asked_is_read(self) -> None:
        query = parse_query({"status": ["failed"], "created_after": ["2026-01-02T03:04:05"], "limit": ["500"]})
        assert query.status is JobStatus.FAILED
        assert query.created_after == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert query.page_size == 100
        assert parse_query({"created_before": ["2026-01-02T03:00:00+02:00"]}).as_query() == (
            "created_before=2026-01-02T01%3A00%3A00Z"
        )

    @pytest.mark.parametrize(
        ("values", "pointer"),
        [
            ({"limit": ["0"]}, "/limit"),
            ({"limit": ["-1"]}, "/limit"),
            ({"limit": ["many"]}, "/limit"),
            ({"status": ["done"]}, "/status"),
            ({"batch": ["all"]}, "/batch"),
            ({"created_after": ["yesterday"]}, "/created_after"),
            ({"created_after": ["9999-12-31T23:59:59-01:00"]}, "/created_after"),
            ({"created_before": ["0001-01-01T00:00:00+01:00"]}, "/created_before"),
            ({"status": ["failed", "queued"]}, "/status"),
            ({"order": ["asc"]}, "/order"),
        ],
    )
    def test_what_is_wrong_is_named(self, values: dict[str, list[str]], pointer: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            parse_query(values)
        assert [problem.pointer for problem in caught.value.errors] == [pointer]


def test_months_go_back() -> None:
    assert [month_before("2026-03"), month_before("2026-01")] == ["2026-02", "2025-12"]
