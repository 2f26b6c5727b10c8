"""Many recordings asked for at once."""

from __future__ import annotations

import itertools
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.fakes_batch import FakeBatchStore
from tests.house import House
from tiro import service
from tiro.batch import MOST_SOURCES, BatchMade, BatchRequest
from tiro.errors import BatchNotFound, InvalidRequest, QuotaExceeded, SourceForbidden
from tiro.job import Job, JobStatus, new_id
from tiro.request import TranscriptionRequest, parse_body
from tiro.service.batch import SECONDS
from tiro.upload import MULTIPART_FROM, Upload


class Batches(House):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.batches = FakeBatchStore(self.jobs)
        self.seconds_per_job, self.most = 0.0, 10_000

    def post(self, *sources: object, owner: str = "ada", batch_id: str | None = None, **options: object) -> BatchMade:
        """What a caller POSTs; without sources, of a prefix."""
        body = json.dumps(({"sources": sources} if sources else {}) | options)

        def submit(request: TranscriptionRequest, batch: str, job_id: str) -> tuple[Job, Upload | None]:
            self.clock.advance(self.seconds_per_job)
            if job_id in self.jobs.jobs:
                return self.jobs.jobs[job_id], None
            return self._submit(request, owner=owner, batch=batch, job_id=job_id)

        batch_id = batch_id or new_id(self.clock.now(), self.clock.entropy())
        common: dict[str, Any] = {"owner": owner, "batch_id": batch_id, "batches": self.batches, "submit": submit}
        request = parse_body(BatchRequest, body)
        if not request.prefix:
            return service.submit_batch(request, **common, clock=self.clock)
        return service.submit_prefix(
            request, **common, media=self.media, check=self.check, clock=self.clock, settings=self.settings
        )

    def check(self, more: int) -> None:
        if more > self.most:
            raise QuotaExceeded("Too many.", headers={}, retry_after=1)


@pytest.fixture
def house() -> Batches:
    return Batches()


def test_each_source_becomes_a_job_or_has_a_problem_of_its_own(house: Batches) -> None:
    house.media.put("inbox/ada/a.mp3", b"speech")
    made = house.post(
        {"upload": {"filename": "b.mp3"}},
        {"url": "https://media.example/c.mp3"},
        {"s3": "s3://media/inbox/ada/a.mp3"},
        {"s3": "s3://media/inbox/ada/none.mp3"},
        {"s3": "s3://media/inbox/ben/a.mp3"},
        {"url": "http://169.254.169.254/latest/"},
        language="de",
        track=2,
    )
    assert [item.index for item in made.results] == list(range(6))
    assert [item.problem and item.problem.code for item in made.results] == [
        *(None, None, None),
        *("media_not_found", "source_forbidden", "address_refused"),
    ]
    assert (made.accepted, made.refused) == (3, 3)
    assert made.results[0].upload
    jobs = [house.jobs.get(item.job_id) for item in made.results if item.job_id]
    assert {job.batch for job in jobs} == {made.id}
    assert {(job.options.language, job.options.track) for job in jobs} == {("de", 2)}
    assert [job.source for job in jobs] == ["upload", "url", "s3"]


def test_how_far_it_is(house: Batches) -> None:
    house.media.put("inbox/ada/a.mp3", b"speech")
    made = house.post({"upload": {}}, {"s3": "s3://media/inbox/ada/a.mp3"}, {"s3": "s3://media/inbox/ben/a.mp3"})
    found = service.find_batch(made.id, owner="ada", batches=house.batches)
    assert {status: count for status, count in found.counts.items() if count} == {
        JobStatus.AWAITING_MEDIA: 1,
        JobStatus.QUEUED: 1,
    }
    assert set(found.counts) == set(JobStatus)
    assert (found.sources, found.refused, found.done) == (3, 1, False)
    upload = made.results[0].job_id
    house.arrived(house.put(f"uploads/ada/{upload}"))
    house.work()
    house.work()
    found = service.find_batch(made.id, owner="ada", batches=house.batches)
    assert (found.counts[JobStatus.COMPLETED], found.done) == (2, True)


def test_it_is_nobody_elses(house: Batches) -> None:
    made = house.post({"upload": {}})
    for batch_id, owner in ((made.id, "ben"), ("none", "ada")):
        with pytest.raises(BatchNotFound):
            service.find_batch(batch_id, owner=owner, batches=house.batches)


def test_large_uploads_get_their_addresses_later(house: Batches) -> None:
    """A thousand answers with a hundred addresses each would be 100 MB."""
    made = house.post({"upload": {"size": MULTIPART_FROM + 1}})
    upload = made.results[0].upload
    assert upload
    assert upload.multipart
    assert (upload.multipart.parts, upload.multipart.urls) == (6, ())


def test_when_time_runs_out_the_rest_is_told_so(house: Batches) -> None:
    house.seconds_per_job = SECONDS / 2 + 1
    made = house.post(*[{"upload": {}}] * 100)
    assert 2 <= made.accepted < 100
    problems = {item.problem.code for item in made.results if item.problem}
    assert problems == {"service_unavailable"}
    assert len(house.jobs.jobs) == made.accepted


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"sources": []}, "/sources"),
        ({"sources": [{"upload": {}}] * (MOST_SOURCES + 1)}, "/sources"),
        ({"sources": [{"upload": {}}, {"url": "ftp://x/"}]}, "/sources/1/url"),
        ({"sources": [{"upload": {}}], "langauge": "de"}, "/langauge"),
        ({}, ""),
        ({"sources": [{"upload": {}}], "prefix": "s3://media/inbox/ada/"}, ""),
        ({"sources": [{"upload": {}}], "cursor": "x"}, ""),
        ({"prefix": "ada/"}, "/prefix"),
    ],
)
def test_what_is_wrong_is_named(body: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_body(BatchRequest, json.dumps(body))
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_what_is_asked_for_twice_is_made_once(house: Batches) -> None:
    """As after a crash half-way: the same batch, the same jobs, and those that were not made yet."""
    house.seconds_per_job = SECONDS / 2 + 1
    first = house.post(*[{"upload": {}}] * 40, batch_id="01b")
    assert 0 < first.accepted < 40
    house.seconds_per_job = 0
    again = house.post(*[{"upload": {}}] * 40, batch_id="01b")
    assert (again.created_at, again.accepted) == (first.created_at, 40)
    kept = {item.index: item.job_id for item in first.results if item.job_id}
    assert kept.items() <= {item.index: item.job_id for item in again.results}.items()
    assert len(house.jobs.jobs) == 40


class TestPrefix:
    PREFIX = "s3://media/inbox/ada/"

    @pytest.fixture(autouse=True)
    def _few_a_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tiro.service.batch.MOST_SOURCES", 2)

    def test_a_prefix_is_made_jobs_of_call_by_call(self, house: Batches) -> None:
        keys = [f"inbox/ada/{name}" for name in ("a.mp3", "b.mp3", "folder/", "folder/c.mp3", "zz.mp3")]
        for key in (*keys, "inbox/adam/a.mp3"):
            house.media.put(key, b"" if key.endswith("/") else b"speech")
        made, heard = house.post(prefix=self.PREFIX, language="de"), list[str | None]()
        while True:
            heard += [item.source for item in made.results]
            found = service.find_batch(made.id, owner="ada", batches=house.batches)
            assert (found.sources, found.refused, found.done) == (len(heard), 0, False)
            if made.next_cursor is None:
                break
            house.clock.advance(60)
            made = house.post(prefix=self.PREFIX, language="de", cursor=made.next_cursor)
        assert heard == [f"s3://media/{key}" for key in keys if not key.endswith("/")]
        assert {job.batch for job in house.jobs.jobs.values()} == {made.id}
        assert {job.options.language for job in house.jobs.jobs.values()} == {"de"}
        while house.work():
            pass
        assert service.find_batch(made.id, owner="ada", batches=house.batches).done

    def test_a_page_asked_for_again_makes_nothing_more(self, house: Batches) -> None:
        for name in "abc":
            house.media.put(f"inbox/ada/{name}", b"speech")
        first = house.post(prefix=self.PREFIX)
        for _ in range(2):
            last = house.post(prefix=self.PREFIX, cursor=first.next_cursor)
            house.clock.advance(1)
        assert last.next_cursor is None
        assert len(house.jobs.jobs) == 3
        assert service.find_batch(last.id, owner="ada", batches=house.batches).sources == 3

    @pytest.mark.parametrize("prefix", ["s3://media/inbox/", "s3://media/inbox/ad", "s3://media/x", "s3://other/ada/"])
    def test_only_what_is_one_s_own_is_listed(self, house: Batches, prefix: str) -> None:
        with pytest.raises(SourceForbidden):
            house.post(prefix=prefix)

    def test_a_cursor_is_its_batch_s_and_its_owner_s(self, house: Batches) -> None:
        for owner, name in itertools.product(("ada", "ben"), "abc"):
            house.media.put(f"inbox/{owner}/{name}", b"speech")
        cursor = house.post(prefix=self.PREFIX).next_cursor
        for more in ({"owner": "ben", "prefix": "s3://media/inbox/ben/"}, {"prefix": f"{self.PREFIX}a"}):
            with pytest.raises(InvalidRequest, match="/cursor"):
                house.post(cursor=cursor, **more)
        for wrong in ("", "x", "é", "[]", urlsafe_b64encode(b'["none",2,"a","2026-01-01T00:00:00Z",1]').decode()):
            with pytest.raises(InvalidRequest, match="/cursor"):
                house.post(prefix=self.PREFIX, cursor=wrong)

    def test_what_a_quota_refuses_makes_nothing_and_goes_on_later(self, house: Batches) -> None:
        for name in "abc":
            house.media.put(f"inbox/ada/{name}", b"speech")
        cursor = house.post(prefix=self.PREFIX).next_cursor
        house.most = 0
        with pytest.raises(QuotaExceeded):
            house.post(prefix=self.PREFIX, cursor=cursor)
        assert len(house.jobs.jobs) == 2
        house.most = 1
        assert house.post(prefix=self.PREFIX, cursor=cursor).accepted == 1
