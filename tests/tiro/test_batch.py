"""Many recordings asked for at once."""

from __future__ import annotations

import json

import pytest

from tests.fakes_batch import FakeBatchStore
from tests.house import House
from tiro import service
from tiro.batch import MOST_SOURCES, BatchMade, BatchRequest
from tiro.errors import BatchNotFound, InvalidRequest
from tiro.job import Job, JobStatus
from tiro.request import TranscriptionRequest, parse_body
from tiro.service.batch import SECONDS
from tiro.upload import MULTIPART_FROM, Upload


class Batches(House):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.batches = FakeBatchStore(self.jobs)
        self.seconds_per_job = 0.0

    def post(self, *sources: object, owner: str = "ada", **options: object) -> BatchMade:
        body = json.dumps({"sources": sources, **options})

        def submit(request: TranscriptionRequest, batch: str) -> tuple[Job, Upload | None]:
            self.clock.advance(self.seconds_per_job)
            return service.submit(
                request,
                owner=owner,
                batch=batch,
                jobs=self.jobs,
                media=self.media,
                queue=self.queue,
                fetches=self.fetch_queue,
                parts=self.parts,
                clock=self.clock,
                settings=self.settings,
            )

        return service.submit_batch(
            parse_body(BatchRequest, body), owner=owner, batches=self.batches, submit=submit, clock=self.clock
        )


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
    assert {job.options.language for job in jobs} == {"de"}
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
        ({}, "/sources"),
    ],
)
def test_what_is_wrong_is_named(body: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_body(BatchRequest, json.dumps(body))
    assert [error.pointer for error in refused.value.errors] == [pointer]
