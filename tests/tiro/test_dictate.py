"""A recording inside a call: one call is one job, whatever happens on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import FakeTranscriber
from tests.fakes_asked import FakeAskedStore
from tests.house import House
from tiro import service
from tiro.errors import MediaEmpty, MediaTooLong, NotAudio, ServiceUnavailable, StillProcessing
from tiro.job import Job, JobStatus, Media
from tiro.request import Options, S3Object
from tiro.service import Dictation

CALL = Dictation("ada", b"speech", Options(language="en"), "talk.mp3", "audio/mpeg")


class Desk:
    """The house, and what was asked of it."""

    def __init__(self, house: House | None = None) -> None:
        self.house, self.asked = house or House(), FakeAskedStore()

    def dictate(self, call: Dictation = CALL, **ports: Any) -> Job:
        house = self.house
        known: dict[str, Any] = {"asked": self.asked, "jobs": house.jobs, "media": house.media, "queue": house.queue}
        known["reader"] = house.reader
        return service.dictate(call, **{**known, **ports}, clock=house.clock, limits=house.settings)

    def wait(self, job: Job, *, seconds: float = 25.0, working: bool = False) -> Job:
        def sleep(pause: float) -> None:
            self.house.clock.advance(pause)
            if working:
                self.house.work()

        until = self.house.clock.now() + timedelta(seconds=seconds)
        return service.wait_for(job, jobs=self.house.jobs, clock=self.house.clock, until=until, sleep=sleep)


def test_it_goes_the_way_of_every_recording() -> None:
    desk = Desk()
    job = desk.dictate()
    assert (job.status, job.source, job.options) == (JobStatus.QUEUED, "upload", CALL.options)
    assert job.media
    assert (job.media.key, job.media.name, job.media.content_type) == (
        f"uploads/ada/{job.id}",
        "talk.mp3",
        "audio/mpeg",
    )
    assert desk.wait(job, working=True).status is JobStatus.COMPLETED


def test_the_event_of_its_object_changes_nothing() -> None:
    desk = Desk()
    job = desk.dictate()
    assert desk.house.arrived(desk.house.put(f"uploads/ada/{job.id}")) is None
    assert len(desk.house.queue) == 1


def test_the_same_call_is_the_same_job_for_ten_minutes() -> None:
    desk = Desk()
    job = desk.dictate()
    desk.house.clock.advance(599)
    assert desk.dictate().id == job.id
    desk.house.clock.advance(1)
    assert desk.dictate().id != job.id


@pytest.mark.parametrize(
    "other",
    [
        Dictation("bob", b"speech", Options(language="en")),
        Dictation("ada", b"Speech", Options(language="en")),
        Dictation("ada", b"speech", Options(language="fr")),
        Dictation("ada", b"speech", Options()),
    ],
)
def test_another_call_is_another_job(other: Dictation) -> None:
    desk = Desk()
    assert desk.dictate().id != desk.dictate(other).id


def test_a_name_makes_no_difference() -> None:
    desk = Desk()
    assert desk.dictate().id == desk.dictate(Dictation("ada", b"speech", Options(language="en"), "b.mp3")).id


@pytest.mark.parametrize("port", ["media", "queue", "jobs"])
def test_a_call_that_died_half_way_is_taken_up_by_the_next(port: str) -> None:
    """Whatever was not reached, the same call makes under the id that was noted."""
    desk = Desk()
    broken = {"media": "keep", "queue": "send", "jobs": "create"}[port]

    class Down:
        def __getattr__(self, name: str) -> Any:
            if name == broken:
                raise ServiceUnavailable("Not now.")
            return getattr(getattr(desk.house, port), name)

    with pytest.raises(ServiceUnavailable):
        desk.dictate(CALL, **{port: Down()})
    job = desk.dictate()
    assert desk.wait(job, working=True).status is JobStatus.COMPLETED
    assert set(desk.house.jobs.jobs) == {job.id}


def test_two_at_once_are_one_job() -> None:
    """The second comes while the first is sending its message."""
    desk = Desk()
    second: list[Job] = []

    class Slow:
        def send(self, *args: Any, **more: Any) -> None:
            if not second:
                second.append(desk.dictate())
                desk.house.clock.advance(1)
            desk.house.queue.send(*args, **more)

    first = desk.dictate(queue=Slow())
    assert [first.id] == [job.id for job in second] == list(desk.house.jobs.jobs)
    assert desk.wait(first, working=True).status is JobStatus.COMPLETED


def test_a_job_that_failed_answers_nobody() -> None:
    from tests.factories import make_transcript

    desk = Desk(House(transcriber=FakeTranscriber(NotAudio("This is a text."), make_transcript())))
    failed = desk.wait(desk.dictate(), working=True)
    assert failed.status is JobStatus.FAILED
    again = desk.dictate()
    assert again.id != failed.id
    assert desk.dictate().id == again.id
    assert desk.wait(again, working=True).status is JobStatus.COMPLETED


def test_of_what_is_refused_nothing_is_kept() -> None:
    desk = Desk()

    class Long:
        def duration(self, media: Media) -> float:
            return 100 * 3600.0

    for call, reader, error in ((Dictation("ada", b"", Options()), None, MediaEmpty), (CALL, Long(), MediaTooLong)):
        with pytest.raises(error):
            desk.dictate(call, reader=reader or desk.house.reader)
    assert not desk.house.jobs.jobs
    assert desk.house.media.keys(S3Object(bucket="media", key="uploads/"), after=None, limit=1) == ([], False)


def test_who_waits_too_long_is_told_where_the_job_is() -> None:
    desk = Desk()
    job = desk.dictate()
    begun = desk.house.clock.now()
    with pytest.raises(StillProcessing, match=f"GET /v1/transcriptions/{job.id}/transcript"):
        desk.wait(job, seconds=25.0)
    assert timedelta(seconds=25) <= desk.house.clock.now() - begun <= timedelta(seconds=26)
    assert desk.house.jobs.get(job.id).status is JobStatus.QUEUED
