"""What nobody holds is found, sent on or ended; and a round that comes twice, or breaks off, does no harm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.house import TERMS, House
from tiro.checkpoint import Written
from tiro.errors import LeaseLost, ServiceUnavailable
from tiro.job import Job, JobStatus
from tiro.message import JobMessage
from tiro.service import Claim


def claimed(house: House) -> Claim:
    """Let a worker take the next message and its job."""
    received = house.queue.receive(wait_seconds=0)
    assert received
    got = house.claim(JobMessage.parse(received.body), receives=received.receives)
    assert isinstance(got, Claim)
    return got


def stored(house: House, job: Job) -> Job:
    return house.jobs.get(job.id)


class TestALostMessage:
    def test_is_sent_again_under_a_higher_generation(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.queue.lose()
        house.clock.advance(301)
        assert house.reap().sent_again == [job.id]
        house.work()
        assert stored(house, job).status is JobStatus.COMPLETED
        assert stored(house, job).generation == 2

    def test_is_not_thought_lost_before_its_time(self, house: House) -> None:
        house.drop("inbox/ada/a.mp3")
        house.queue.lose()
        house.clock.advance(299)
        assert house.reap().sent_again == []

    def test_is_sent_once_by_two_rounds(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.queue.lose()
        house.clock.advance(301)
        house.reap()
        assert house.reap().sent_again == []
        assert len(house.queue) == 1
        assert stored(house, job).generation == 2

    def test_a_deep_backlog_is_never_doubled(self, house: House) -> None:
        """Not even for the one among them that is lost: it must wait until the older ones are done."""
        for number in range(50):
            house.drop(f"inbox/ada/{number}.mp3")
            house.clock.advance(10)
        house.queue.lose(49)
        house.clock.advance(86_400)
        assert house.reap().sent_again == []
        assert len(house.queue) == 49

    def test_is_found_as_soon_as_what_was_sent_before_it_is_done(self, house: House) -> None:
        jobs = []
        for number in range(3):
            jobs.append(house.drop(f"inbox/ada/{number}.mp3"))
            house.clock.advance(301)
        house.queue.lose(1)
        house.work()
        assert house.reap().sent_again == [jobs[1].id]

    def test_who_dies_between_message_and_record_leaves_a_leftover(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.queue.lose()
        house.clock.advance(301)
        with monkeypatch.context() as patch:
            patch.setattr(house.jobs, "save", _down)
            assert house.reap().troubles
        assert house.reap().sent_again == [job.id]
        house.transcriber = FakeTranscriber(make_transcript())
        while len(house.queue):
            house.clock.advance(60)
            house.work()
        assert stored(house, job).status is JobStatus.COMPLETED
        assert len(house.transcriber.heard) == 1


class TestALapsedLease:
    def test_goes_back_to_the_queue_and_the_attempt_counts(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        dead = claimed(house)
        house.queue.lose()
        house.clock.advance(120 + 301)
        assert house.reap().taken_back == [job.id]
        back = stored(house, job)
        assert (back.status, back.attempts, back.generation) == (JobStatus.QUEUED, 1, 2)
        with pytest.raises(LeaseLost):
            house.runs.renew(job.id, dead.run)
        house.work()
        assert stored(house, job).status is JobStatus.COMPLETED

    def test_what_was_heard_for_good_goes_on_with_the_job(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        dead = claimed(house)
        trail = (Written(attempt=dead.run.attempt, parts=1),)
        house.runs.renew(job.id, dead.run.model_copy(update={"checkpoint": trail}))
        house.queue.lose()
        house.clock.advance(120 + 301)
        house.reap()
        assert claimed(house).run.checkpoint == trail

    def test_is_left_to_the_next_worker_for_a_while(self, house: House) -> None:
        house.drop("inbox/ada/a.mp3")
        claimed(house)
        house.clock.advance(120 + 299)
        assert house.reap().taken_back == []

    def test_a_job_whose_attempts_are_spent_fails_with_its_reason(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        for _ in range(TERMS.max_attempts):
            claimed(house)
            house.clock.advance(121)
        house.queue.lose()
        house.clock.advance(301)
        assert house.reap().failed == [job.id]
        problem = stored(house, job).problem
        assert problem
        assert problem.code == "attempts_exhausted"
        assert "inbox/ada/a.mp3.problem.json" in house.transcripts.objects

    def test_the_message_of_the_dead_is_a_leftover(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        claimed(house)
        house.clock.advance(120 + 301)
        house.reap()
        house.transcriber = FakeTranscriber(make_transcript())
        while len(house.queue):
            house.work()
            house.clock.advance(60)
        assert stored(house, job).status is JobStatus.COMPLETED
        assert len(house.transcriber.heard) == 1

    def test_who_was_cancelled_meanwhile_stays_cancelled(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        claimed(house)
        house.cancel(stored(house, job))
        house.clock.advance(3600)
        assert not any(house.reap().counts().values())
        assert stored(house, job).status is JobStatus.CANCELLED


class TestARound:
    def test_what_never_came_expires(self, house: House) -> None:
        job, _ = house.submit('{"source": {"upload": {}}}')
        house.clock.advance(2 * 3600 + 1)
        assert house.reap().expired == [job.id]

    def test_one_trouble_keeps_no_other_waiting(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.queue.lose()
        house.clock.advance(301)
        monkeypatch.setattr(house.runs, "lapsed", _down)
        reaped = house.reap()
        assert reaped.sent_again == [job.id]
        assert [trouble.code for trouble in reaped.troubles] == ["service_unavailable"]

    def test_it_stops_when_its_time_is_over_and_the_next_goes_on(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(5):
            house.drop(f"inbox/ada/{number}.mp3")
        while len(house.queue):
            house.queue.lose()
        house.clock.advance(301)
        send = house.queue.send

        def slowly(message: JobMessage, **more: Any) -> None:
            send(message, **more)
            house.clock.advance(11)

        monkeypatch.setattr(house.queue, "send", slowly)
        assert len(house.reap().sent_again) == 2


def _down(*_: object, **__: object) -> None:
    raise ServiceUnavailable
