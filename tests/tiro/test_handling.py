"""What may wait waits, what was to go goes, and what was to stay stays."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.fakes import FakeTranscriber
from tests.house import House
from tiro import service
from tiro.errors import InvalidRequest, MediaNotFound, ModelNotFound, NotAudio
from tiro.handling import Priority
from tiro.job import Job, JobStatus, view
from tiro.message import JobMessage
from tiro.request import S3Object
from tiro.service import Tidier

HOUR = 3600


def ask(house: House, **options: object) -> Job:
    job, _ = house.submit(json.dumps({"source": {"upload": {}}, **options}))
    queued = house.arrived(house.put(f"uploads/ada/{job.id}"))
    assert queued
    return queued


def tidy(house: House, *, after: float) -> int:
    house.clock.advance(after)
    return Tidier(
        jobs=house.jobs,
        runs=house.runs,
        media=house.media,
        transcripts=house.transcripts,
        parts=house.parts,
        deliveries=house.deliveries,
        clock=house.clock,
    ).tidy()


def there(house: House, job: Job) -> bool:
    try:
        house.media.head(S3Object(bucket="media", key=f"uploads/ada/{job.id}"))
    except MediaNotFound:
        return False
    return True


class TestPriority:
    def test_what_may_wait_waits_for_what_came_later(self, house: House) -> None:
        patient, urgent = ask(house, priority="batch"), ask(house)
        order = [JobMessage.parse(taken.body).job_id for taken in iter(house.work, None)]
        assert order == [urgent.id, patient.id]

    def test_a_dropped_file_and_a_retry_keep_theirs(self, house: House) -> None:
        house.transcriber = FakeTranscriber(NotAudio("A text."))
        job = house.drop("inbox/ada/a.mp3", priority="batch")
        assert job.handling.priority is Priority.BATCH
        house.work()
        again = house.retry(house.jobs.get(job.id))
        urgent = ask(house)
        order = [JobMessage.parse(taken.body).job_id for taken in iter(house.work, None)]
        assert order == [urgent.id, again.id]

    @pytest.mark.parametrize("wrong", [{"priority": "now"}, {"retention_seconds": 59}, {"delete_media": "maybe"}])
    def test_what_is_wrong_is_named(self, house: House, wrong: dict[str, object]) -> None:
        [name] = wrong
        with pytest.raises(InvalidRequest) as refused:
            ask(house, **wrong)
        assert [error.pointer for error in refused.value.errors] == [f"/{name}"]
        if name != "delete_media":
            dropped = house.arrived(house.put("inbox/ada/a.mp3", b"speech", **{name: str(wrong[name])}))
            assert dropped
            assert dropped.problem
            assert dropped.problem.code == "invalid_request"


class TestRetention:
    def test_so_long_after_its_end_a_job_is_deleted(self, house: House) -> None:
        job = ask(house, retention_seconds=HOUR)
        assert view(job).expires_at is None
        house.clock.advance(10 * HOUR)
        house.work()
        ended = house.jobs.get(job.id)
        assert ended.finished_at
        assert view(ended).expires_at == ended.finished_at + timedelta(hours=1)
        assert tidy(house, after=HOUR - 1) == 0
        assert there(house, job)
        assert tidy(house, after=2) == 1
        assert house.jobs.get(job.id).deleted_at
        assert not there(house, job)
        assert house.transcripts.objects == {}
        assert tidy(house, after=HOUR) == 0

    def test_a_failed_one_is_deleted_too(self, house: House) -> None:
        house.transcriber = FakeTranscriber(NotAudio("A text."))
        job = ask(house, retention_seconds=HOUR)
        house.work()
        assert tidy(house, after=HOUR + 1) == 1
        assert house.jobs.get(job.id).deleted_at

    def test_without_one_a_job_stays(self, house: House) -> None:
        job = ask(house)
        house.work()
        assert tidy(house, after=10_000 * HOUR) == 0
        assert there(house, job)

    def test_a_dropped_recording_is_its_owner_s_and_stays(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3", retention_seconds=str(HOUR))
        house.work()
        assert tidy(house, after=HOUR + 1) == 1
        assert house.jobs.get(job.id).deleted_at
        assert house.media.head(S3Object(bucket="media", key="inbox/ada/a.mp3"))


class TestDeleteMedia:
    def test_the_recording_goes_when_it_was_heard_and_the_transcript_stays(self, house: House) -> None:
        job = ask(house, delete_media=True)
        house.work()
        assert tidy(house, after=1) == 1
        heard = house.jobs.get(job.id)
        assert not there(house, job)
        assert (heard.status, view(heard).media_deleted_at) == (JobStatus.COMPLETED, house.clock.now())
        assert service.read_transcript(heard, "txt", transcripts=house.transcripts)[1]
        assert tidy(house, after=HOUR) == 0

    def test_a_failed_one_keeps_it_to_be_tried_again(self, house: House) -> None:
        house.transcriber = FakeTranscriber(NotAudio("A text."))
        job = ask(house, delete_media=True)
        house.work()
        assert tidy(house, after=HOUR) == 0
        assert there(house, job)

    def test_what_lies_in_s3_already_is_not_tiro_s_to_delete(self, house: House) -> None:
        house.media.put("inbox/ada/a.mp3", b"speech")
        with pytest.raises(InvalidRequest) as refused:
            house.submit(json.dumps({"source": {"s3": "s3://media/inbox/ada/a.mp3"}, "delete_media": True}))
        assert [error.pointer for error in refused.value.errors] == ["/delete_media"]
        assert house.jobs.jobs == {}


class TestModel:
    def test_the_one_that_hears_may_be_named(self, house: House) -> None:
        assert ask(house, model="base").options.model == "base"

    def test_another_is_refused_by_its_name_whichever_way_it_comes(self, house: House) -> None:
        with pytest.raises(ModelNotFound, match="large-v3") as refused:
            ask(house, model="large-v3")
        assert [error.pointer for error in refused.value.errors] == ["/model"]
        assert house.jobs.jobs == {}
        dropped = house.drop("inbox/ada/a.mp3", model="large-v3")
        assert dropped.problem
        assert (dropped.problem.code, dropped.problem.errors[0].pointer) == ("model_not_found", "/model")
