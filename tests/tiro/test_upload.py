"""A large upload comes in parts: submit, send, complete, or never."""

from __future__ import annotations

import json

import pytest

from tests.house import House
from tiro import service
from tiro.errors import InvalidRequest, NoUploadOpen
from tiro.job import Job, JobStatus
from tiro.upload import MOST_URLS, MULTIPART_FROM, PART_BYTES, Completion, PartNumbers, PartTag, Upload

SIZE = MULTIPART_FROM + 1
COUNT = 6


def submit(house: House, size: int = SIZE) -> tuple[Job, Upload]:
    job, upload = house.submit(json.dumps({"source": {"upload": {"size": size, "content_type": "audio/wav"}}}))
    assert upload
    return job, upload


def send(house: House, job: Job, numbers: range) -> list[str]:
    """Send parts, small ones for large."""
    assert job.parts
    return [
        house.parts.put(f"uploads/ada/{job.id}", job.parts.upload_id, number, b"part %d" % number) for number in numbers
    ]


def test_what_is_not_large_is_one_request() -> None:
    _, upload = submit(House(), MULTIPART_FROM)
    assert upload.url
    assert upload.multipart is None


def test_what_is_large_is_cut_into_parts_that_make_up_the_whole() -> None:
    job, upload = submit(House())
    assert upload.url is None
    assert upload.multipart
    assert (upload.multipart.parts, upload.multipart.part_size) == (COUNT, PART_BYTES)
    assert [part.number for part in upload.multipart.urls] == list(range(1, COUNT + 1))
    assert sum(part.size for part in upload.multipart.urls) == SIZE
    assert job.status is JobStatus.AWAITING_MEDIA


def test_of_very_many_parts_only_the_first_have_their_address_at_once() -> None:
    house = House()
    job, upload = submit(house, 5 * 1024**3)
    assert upload.multipart
    assert (upload.multipart.parts, len(upload.multipart.urls)) == (320, MOST_URLS)
    more = service.part_urls(
        job, PartNumbers(numbers=(101, 320)), parts=house.parts, clock=house.clock, settings=house.settings
    )
    assert [(part.number, part.size) for part in more.urls] == [(101, PART_BYTES), (320, PART_BYTES)]
    with pytest.raises(InvalidRequest, match="no 321"):
        service.part_urls(
            job, PartNumbers(numbers=(321,)), parts=house.parts, clock=house.clock, settings=house.settings
        )


def test_parts_become_the_recording() -> None:
    house = House()
    job, _ = submit(house)
    etags = send(house, job, range(1, COUNT + 1))
    state = service.upload_state(job, parts=house.parts)
    assert [(part.number, part.etag) for part in state.sent] == list(enumerate(etags, 1))
    tags = tuple(PartTag(number=number, etag=etag.strip('"')) for number, etag in enumerate(etags, 1))
    service.complete_upload(job, Completion(parts=tags), parts=house.parts)
    service.complete_upload(job, Completion(parts=tags), parts=house.parts)  # the answer was lost
    assert house.parts.open == {}
    queued = house.arrived(house.put(f"uploads/ada/{job.id}"))
    assert queued
    service.complete_upload(queued, Completion(parts=tags), parts=house.parts)  # and late
    with pytest.raises(NoUploadOpen):
        service.upload_state(queued, parts=house.parts)


def test_without_tags_it_is_what_came() -> None:
    house = House()
    job, _ = submit(house)
    send(house, job, range(1, COUNT + 1))
    service.complete_upload(job, Completion(), parts=house.parts)
    assert house.parts.open == {}


def test_a_part_that_is_missing_is_named() -> None:
    house = House()
    job, _ = submit(house)
    send(house, job, range(1, COUNT - 1))
    with pytest.raises(InvalidRequest, match="5, 6 of 6 parts are missing"):
        service.complete_upload(job, Completion(), parts=house.parts)
    tags = tuple(PartTag(number=number, etag="0" * 32) for number in range(1, COUNT + 2))
    with pytest.raises(InvalidRequest, match="no 7"):
        service.complete_upload(job, Completion(parts=tags), parts=house.parts)


def test_what_never_came_is_thrown_away() -> None:
    house = House()
    job, _ = submit(house)
    send(house, job, range(1, 3))
    house.clock.advance(24 * 3600 + 1)
    (failed,) = house.expire()
    assert (failed.id, failed.problem and failed.problem.code) == (job.id, "upload_expired")
    assert house.parts.open == {}
    with pytest.raises(NoUploadOpen, match="failed"):
        service.complete_upload(failed, Completion(), parts=house.parts)


def test_a_job_without_parts_takes_none() -> None:
    house = House()
    job, _ = submit(house, 1000)
    with pytest.raises(NoUploadOpen):
        service.upload_state(job, parts=house.parts)
