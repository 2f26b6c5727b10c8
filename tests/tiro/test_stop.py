"""Cancelled stops, deleted is gone, tried again is a new job; and nothing of it waits for anybody."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.factories import make_transcript
from tests.fakes import During, FakeTranscriber
from tests.house import House, breaks
from tiro import service
from tiro.delivery import Attempt, Delivery
from tiro.errors import (
    JobFinished,
    JobGone,
    JobNotFound,
    MediaNotFound,
    NotAudio,
    NotRetryable,
    NoUploadOpen,
    ServiceUnavailable,
)
from tiro.job import TOMBSTONE, Job, JobStatus
from tiro.message import JobMessage
from tiro.request import S3Object
from tiro.service import Claim

UPLOAD = '{"source": {"upload": {"filename": "a.mp3"}}, "language": "fr", "metadata": {"order": "7"}}'


def uploaded(house: House, body: bytes = b"speech") -> Job:
    job, _ = house.submit(UPLOAD)
    queued = house.arrived(house.put(f"uploads/ada/{job.id}", body))
    assert queued
    return queued


def claim(house: House, job: Job) -> Claim:
    found = house.claim(JobMessage.of(job))
    assert isinstance(found, Claim)
    return found


def completed(house: House) -> Job:
    job = uploaded(house)
    house.work()
    done = house.jobs.get(job.id)
    assert done.status is JobStatus.COMPLETED
    return done


def failed(house: House) -> Job:
    house.transcriber = FakeTranscriber(NotAudio("A text."), make_transcript())
    job = uploaded(house)
    house.work()
    assert house.jobs.get(job.id).status is JobStatus.FAILED
    return house.jobs.get(job.id)


class TestCancel:
    def test_what_awaits_its_recording_awaits_it_no_longer(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        assert house.cancel(job).status is JobStatus.CANCELLED
        assert house.arrived(house.put(f"uploads/ada/{job.id}")) is None
        assert len(house.queue) == 0
        house.clock.advance(86_400)
        assert house.jobs.overdue(house.clock.now(), 10) == []

    def test_the_message_of_what_was_queued_is_a_leftover(self, house: House) -> None:
        job = uploaded(house)
        cancelled = house.cancel(job)
        assert (cancelled.status, cancelled.finished_at) == (JobStatus.CANCELLED, house.clock.now())
        house.work()
        assert len(house.queue) == 0
        assert house.jobs.get(job.id) == cancelled

    def test_a_worker_notices_at_its_next_heartbeat_and_leaves_no_trace(self, house: House) -> None:
        house.worker_settings = dataclasses.replace(house.worker_settings, heartbeat_seconds=0.001)
        job = uploaded(house)
        house.transcriber = During(lambda: house.cancel(house.jobs.get(job.id)), endless=True)
        house.work()
        assert house.jobs.get(job.id).status is JobStatus.CANCELLED
        assert house.runs.get(job.id) is None
        assert not house.transcripts.objects
        house.clock.advance(121)
        house.work()
        assert len(house.queue) == 0, "the message is dropped as a leftover"

    @pytest.mark.parametrize("drop", [True, False])
    def test_a_worker_that_was_nearly_done_takes_back_what_it_wrote(self, house: House, drop: bool) -> None:
        job = house.drop("inbox/ada/a.mp3") if drop else uploaded(house)
        house.transcriber = During(lambda: house.cancel(house.jobs.get(job.id)))
        house.work()
        assert house.jobs.get(job.id).status is JobStatus.CANCELLED
        assert not house.transcripts.objects

    def test_what_was_heard_of_it_until_then_is_used_up(self, house: House) -> None:
        house.media.put("inbox/ada/a.mp3", b"speech")
        job, _ = house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')  # how long it is, nobody knows
        held = claim(house, job)
        house.runs.renew(job.id, held.run.model_copy(update={"done": 3599.5}))
        house.cancel(held.job)
        assert house.jobs.used("ada", house.clock.now()).audio_seconds == 3599.5

    def test_more_than_once_is_once(self, house: House) -> None:
        first = house.cancel(uploaded(house))
        house.clock.advance(5)
        assert house.cancel(house.jobs.get(first.id)) == first

    @pytest.mark.parametrize("end", [completed, failed])
    def test_what_came_to_its_end_stays_so(self, house: House, end: Callable[[House], Job]) -> None:
        job = end(house)
        with pytest.raises(JobFinished):
            house.cancel(job)
        assert house.jobs.get(job.id) == job

    def test_what_was_claimed_or_given_back_meanwhile_is_cancelled_all_the_same(self, house: House) -> None:
        seen_waiting = uploaded(house)
        claim(house, seen_waiting)
        assert house.cancel(seen_waiting).status is JobStatus.CANCELLED
        held = claim(house, uploaded(house))
        service.give_back(held, counted=True, runs=house.runs)
        assert house.cancel(held.job).status is JobStatus.CANCELLED
        assert house.runs.get(held.job.id) is None

    def test_parts_that_were_sent_are_thrown_away(self, house: House) -> None:
        job, upload = house.submit('{"source": {"upload": {"size": 200000000}}}')
        assert upload
        assert job.parts
        house.parts.put(f"uploads/ada/{job.id}", job.parts.upload_id, 1, b"x")
        house.cancel(job)
        with pytest.raises(NoUploadOpen):
            house.parts.parts(f"uploads/ada/{job.id}", job.parts.upload_id)


class TestDelete:
    def test_record_recording_and_transcript_go_and_a_tombstone_stays(self, house: House) -> None:
        job = completed(house)
        house.transcripts.lend(f"renderings/ada/{job.id}/x.txt", b"a copy", "text/plain", seconds=60)
        house.delete(job)
        assert not house.transcripts.objects
        with pytest.raises(MediaNotFound):
            house.media.head(S3Object(bucket="media", key=f"uploads/ada/{job.id}"))
        with pytest.raises(JobGone):
            service.find(job.id, owner="ada", jobs=house.jobs)
        with pytest.raises(JobNotFound):
            service.find(job.id, owner="bob", jobs=house.jobs)
        left = house.jobs.get(job.id).model_dump_json()
        assert not [word for word in ("a.mp3", "order", "fr", "transcripts/") if f'"{word}' in left]
        assert house.jobs.get(job.id).status is JobStatus.COMPLETED, "what ended stays as it ended"

    def test_again_is_no_error_and_keeps_the_first_time(self, house: House) -> None:
        job = completed(house)
        house.delete(job)
        first = house.jobs.get(job.id)
        house.clock.advance(60)
        house.delete(house.jobs.get(job.id))
        assert house.jobs.get(job.id) == first
        assert timedelta(days=30) == TOMBSTONE

    def test_what_runs_is_cancelled_first(self, house: House) -> None:
        job = uploaded(house)
        house.transcriber = During(lambda: house.delete(house.jobs.get(job.id)))
        house.work()
        gone = house.jobs.get(job.id)
        assert (gone.status, gone.deleted_at) == (JobStatus.CANCELLED, house.clock.now())
        assert not house.transcripts.objects
        house.clock.advance(121)
        house.work()
        assert len(house.queue) == 0

    def test_nothing_stays_of_what_was_told_while_it_was_deleted(self, house: House) -> None:
        """The stream is faster than the tombstone."""
        job = uploaded(house)
        save = house.jobs.save

        def tells_first(before: Job, after: Job) -> None:
            if after.deleted_at:
                event = house.jobs.events[-1]
                sent = Delivery.of(event, "wh_1", at=event.at, look_at=event.at)
                house.deliveries.create(sent)
                house.deliveries.save(sent, sent.delivered(Attempt(at=event.at, milliseconds=1, status=204)))
            save(before, after)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(house.jobs, "save", tells_first)
            house.delete(job)
        assert house.deliveries.of_job(job.id) == []

    def test_a_recording_that_comes_too_late_goes_too(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        house.delete(job)
        assert house.arrived(house.put(f"uploads/ada/{job.id}")) is None
        with pytest.raises(MediaNotFound):
            house.media.head(S3Object(bucket="media", key=f"uploads/ada/{job.id}"))

    def test_a_crash_half_way_is_mended_by_the_next(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        job = completed(house)

        with monkeypatch.context() as patch:
            patch.setattr(house.transcripts, "erase", breaks)
            with pytest.raises(ServiceUnavailable):
                house.delete(job)
        assert house.jobs.get(job.id) == job
        house.delete(job)
        assert not house.transcripts.objects

    def test_a_dropped_file_is_its_owner_s_and_what_lies_beside_it_goes(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.work()
        house.transcripts.objects["inbox/ada/b.mp3.txt"] = b"of another"
        house.delete(house.jobs.get(job.id))
        assert set(house.transcripts.objects) == {"inbox/ada/b.mp3.txt"}
        assert house.media.head(S3Object(bucket="media", key="inbox/ada/a.mp3"))

    def test_an_older_drop_takes_nothing_of_a_newer_one_with_it(self, house: House) -> None:
        old = house.drop("inbox/ada/a.mp3")
        new = house.drop("inbox/ada/a.mp3", b"more speech")
        house.work()
        house.work()
        house.delete(house.jobs.get(old.id))
        assert "inbox/ada/a.mp3.txt" in house.transcripts.objects
        assert house.jobs.get(new.id).status is JobStatus.COMPLETED

    def test_an_object_that_was_named_stays(self, house: House) -> None:
        house.media.put("inbox/ada/a.mp3", b"speech")
        job, _ = house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')
        house.delete(job)
        assert house.media.head(S3Object(bucket="media", key="inbox/ada/a.mp3"))


class TestRetry:
    def test_a_failed_job_is_tried_again_as_a_new_one(self, house: House) -> None:
        ended = failed(house)
        again = house.retry(ended)
        assert again.id != ended.id
        assert (again.retry_of, again.media, again.options) == (ended.id, ended.media, ended.options)
        assert again.metadata == {"order": "7"}
        house.work()
        assert house.jobs.get(again.id).status is JobStatus.COMPLETED
        assert house.jobs.get(ended.id) == ended

    def test_a_cancelled_one_too(self, house: House) -> None:
        again = house.retry(house.cancel(uploaded(house)))
        house.work()
        house.work()
        assert house.jobs.get(again.id).status is JobStatus.COMPLETED

    def test_nothing_else(self, house: House) -> None:
        waiting, done = uploaded(house), completed(House())
        for job in (waiting, done):
            with pytest.raises(NotRetryable):
                house.retry(job)

    def test_without_a_recording_there_is_no_trying(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        cancelled = house.cancel(job)
        with pytest.raises(MediaNotFound):
            house.retry(cancelled)
        house.put(f"uploads/ada/{job.id}", b"speech")  # it came after all
        again = house.retry(cancelled)
        assert again.media
        assert (again.media.name, again.media.size) == ("a.mp3", 6)

    def test_a_recording_that_was_replaced_is_heard_as_it_was(self, house: House) -> None:
        ended = failed(house)
        house.put(f"uploads/ada/{ended.id}", b"something else")
        assert house.retry(ended).media == ended.media

    def test_a_deleted_recording_is_not_tried(self, house: House) -> None:
        ended = failed(house)
        house.media.delete(f"uploads/ada/{ended.id}")
        with pytest.raises(MediaNotFound):
            house.retry(ended)

    def test_a_url_is_fetched_anew(self, house: House) -> None:
        job, _ = house.submit('{"source": {"url": "https://example.com/a.mp3"}}')
        again = house.retry(house.cancel(job))
        assert (again.status, again.url, again.retry_of) == (JobStatus.AWAITING_MEDIA, job.url, job.id)
        assert again.media
        assert again.media.key == f"uploads/ada/{again.id}"

    def test_a_drop_tried_again_is_published_where_it_was_dropped(self, house: House) -> None:
        house.transcriber = FakeTranscriber(NotAudio(), make_transcript())
        job = house.drop("inbox/ada/a.mp3")
        house.work()
        assert "inbox/ada/a.mp3.problem.json" in house.transcripts.objects
        house.retry(house.jobs.get(job.id))
        house.work()
        assert "inbox/ada/a.mp3.txt" in house.transcripts.objects
        assert "inbox/ada/a.mp3.problem.json" not in house.transcripts.objects
