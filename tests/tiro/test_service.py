"""What may go wrong on the way, and what each promise does about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.house import NAMES, House
from tiro import service
from tiro.errors import (
    Conflict,
    FormatNotAcceptable,
    InvalidRequest,
    JobHeld,
    JobNotFound,
    MediaEmpty,
    MediaNotFound,
    MediaTooLarge,
    NotAudio,
    ServiceUnavailable,
    SourceForbidden,
    TranscriptUnavailable,
)
from tiro.job import Job, JobStatus
from tiro.message import JobMessage
from tiro.request import S3Object
from tiro.service import Claim, Declined, ObjectCreated
from tiro.settings import ApiSettings

UPLOAD = '{"source": {"upload": {}}}'


@pytest.fixture
def house() -> House:
    return House()


def code(job: Job | None) -> str:
    assert job
    assert job.problem
    return job.problem.code


def claim(house: House, job: Job, receives: int = 1, generation: int = 1) -> Claim | Declined:
    return house.claim(JobMessage(job_id=job.id, generation=generation), receives=receives)


def claimed(house: House, job: Job) -> Claim:
    found = claim(house, job)
    assert isinstance(found, Claim), found
    return found


class TestSubmit:
    def test_an_object_is_queued_at_once(self, house: House) -> None:
        house.media.put("inbox/ada/a.mp3", b"speech")
        job, upload = house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')
        assert (job.status, upload) == (JobStatus.QUEUED, None)
        assert house.jobs.get(job.id).media == house.media.head(S3Object(bucket="media", key="inbox/ada/a.mp3")).media
        house.work()
        assert house.jobs.get(job.id).status is JobStatus.COMPLETED

    @pytest.mark.parametrize("key", ["inbox/bob/a.mp3", "inbox/adam/a.mp3", "uploads/bob/x", "a.mp3", "inbox/ada"])
    def test_only_an_owner_s_own_prefix(self, house: House, key: str) -> None:
        house.media.put(key, b"speech")
        with pytest.raises(SourceForbidden):
            house.submit(f'{{"source": {{"s3": "s3://media/{key}"}}}}')
        assert not house.jobs.jobs

    def test_a_source_bucket_is_open_under_the_owner_s_prefix(self) -> None:
        house = House(settings=ApiSettings(**NAMES, source_buckets=("archive",)))
        house.media.put("ada/a.mp3", b"speech", bucket="archive")
        job, _ = house.submit('{"source": {"s3": "s3://archive/ada/a.mp3"}}')
        assert job.status is JobStatus.QUEUED
        with pytest.raises(SourceForbidden, match="s3://archive/ada/"):
            house.submit('{"source": {"s3": "s3://archive/bob/a.mp3"}}')

    def test_an_object_that_is_not_there(self, house: House) -> None:
        with pytest.raises(MediaNotFound):
            house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')

    def test_sizes_are_refused_before_there_is_a_job(self, house: House) -> None:
        house.media.put("inbox/ada/empty.mp3", b"")
        with pytest.raises(MediaEmpty):
            house.submit('{"source": {"s3": "s3://media/inbox/ada/empty.mp3"}}')
        with pytest.raises(MediaTooLarge, match="5,368,709,121 bytes"):
            house.submit('{"source": {"upload": {"size": 5368709121}}}')
        assert not house.jobs.jobs

    @pytest.mark.parametrize(
        ("model", "option"),
        [("turbo", '"task": "translate"'), ("base.en", '"language": "de"'), ("base", '"language": "yue"')],
    )
    def test_what_the_model_cannot_do_is_refused_before_there_is_a_job(self, model: str, option: str) -> None:
        house = House(settings=ApiSettings(**NAMES, models=(model,)))
        with pytest.raises(InvalidRequest, match=f"The model {model} "):
            house.submit(f'{{"source": {{"upload": {{}}}}, {option}}}')
        assert not house.jobs.jobs

    def test_the_message_goes_before_the_record(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """A crash in between leaves a leftover message, never a queued job without one."""
        house.media.put("inbox/ada/a.mp3", b"speech")
        monkeypatch.setattr(house.jobs, "create", _breaks)
        with pytest.raises(ServiceUnavailable):
            house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')
        for _ in range(service.LOOKS_FOR_JOB):
            assert len(house.queue) == 1
            house.work()
            house.clock.advance(60)
        assert len(house.queue) == 0


class TestArrived:
    def test_the_name_and_duration_are_kept(self, house: House) -> None:
        job, _ = house.submit('{"source": {"upload": {"filename": "Ünïcode talk.mp3"}}}')
        house.reader.durations[f"uploads/ada/{job.id}"] = 61.5
        house.arrived(house.put(f"uploads/ada/{job.id}"))
        media = house.jobs.get(job.id).media
        assert media
        assert (media.name, media.duration, media.size) == ("Ünïcode talk.mp3", 61.5, 6)

    def test_the_same_event_twice_makes_one_job_and_one_transcript(self, house: House) -> None:
        created = house.put("inbox/ada/a.mp3")
        assert house.arrived(created)
        assert house.arrived(created) is None
        assert len(house.jobs.jobs) == len(house.queue) == 1

    def test_an_event_that_broke_off_is_handled_again(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        created = house.put("inbox/ada/a.mp3")
        with monkeypatch.context() as patch:
            patch.setattr(house.queue, "send", _breaks)
            with pytest.raises(ServiceUnavailable):
                house.arrived(created)
        job = house.arrived(created)
        assert job
        assert job.status is JobStatus.QUEUED
        assert len(house.jobs.jobs) == len(house.queue) == 1

    def test_overwriting_makes_a_new_job_and_the_newest_wins_in_any_order(self, house: House) -> None:
        first, second = house.put("inbox/ada/a.mp3", b"one"), house.put("inbox/ada/a.mp3", b"second")
        house.arrived(second)
        house.arrived(first)
        house.work()
        beside = house.transcripts.objects["inbox/ada/a.mp3.json"]
        house.work()
        jobs = list(house.jobs.jobs.values())
        assert [job.status for job in jobs] == [JobStatus.COMPLETED] * 2
        assert [job.media and job.media.size for job in jobs] == [6, 3]
        assert house.transcripts.objects["inbox/ada/a.mp3.json"] is beside

    def test_a_good_overwrite_takes_the_problem_away(self) -> None:
        house = House(transcriber=FakeTranscriber(NotAudio(), make_transcript()))
        house.drop("inbox/ada/a.mp3", b"oops")
        house.work()
        assert "inbox/ada/a.mp3.problem.json" in house.transcripts.objects
        house.drop("inbox/ada/a.mp3", b"speech")
        house.work()
        assert "inbox/ada/a.mp3.problem.json" not in house.transcripts.objects
        assert "inbox/ada/a.mp3.txt" in house.transcripts.objects

    @pytest.mark.parametrize(
        "key",
        [
            "inbox/ada/",
            "inbox/ada/folder/",
            "inbox/file.mp3",
            "elsewhere/ada/a.mp3",
            "x",
            "inbox/Some One/a.mp3",
            "inbox//a.mp3",
            "inbox/ünï/a.mp3",
        ],
    )
    def test_what_is_nobody_s_recording_is_left_alone(self, house: House, key: str) -> None:
        assert house.arrived(house.put(key)) is None
        assert not house.jobs.jobs

    def test_an_upload_to_another_owner_s_job_is_left_alone(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        assert house.arrived(house.put(f"uploads/bob/{job.id}")) is None
        assert house.jobs.get(job.id).status is JobStatus.AWAITING_MEDIA

    def test_an_upload_for_no_job(self, house: House) -> None:
        assert house.arrived(house.put("uploads/ada/01kdy3q7ze0000000000000001")) is None

    @pytest.mark.parametrize("door", ["upload", "inbox"])
    def test_an_empty_object_fails_its_job(self, house: House, door: str) -> None:
        key = "inbox/ada/empty.wav" if door == "inbox" else f"uploads/ada/{house.submit(UPLOAD)[0].id}"
        assert code(house.arrived(house.put(key, b""))) == "media_empty"
        assert len(house.queue) == 0

    def test_too_large_and_too_long_fail_before_a_worker_starts(self) -> None:
        house = House(settings=ApiSettings(**NAMES, max_media_bytes=10, max_media_seconds=60))
        assert code(house.drop("inbox/ada/large.mp3", b"x" * 11)) == "media_too_large"
        house.reader.durations["inbox/ada/long.mp3"] = 61.0
        assert code(house.drop("inbox/ada/long.mp3")) == "media_too_long"
        assert len(house.queue) == 0

    def test_an_object_deleted_before_it_is_looked_at(self, house: House) -> None:
        created = ObjectCreated(S3Object(bucket="media", key="inbox/ada/gone.mp3"), None, "01")
        assert code(house.arrived(created)) == "media_not_found"

    def test_a_wrong_option_beside_a_dropped_file_is_told(self, house: House) -> None:
        assert code(house.drop("inbox/ada/a.mp3", language="klingon")) == "invalid_request"
        assert b"klingon" in house.transcripts.objects["inbox/ada/a.mp3.problem.json"]

    def test_a_key_that_leaves_no_room_is_told(self, house: House) -> None:
        job = house.drop("inbox/ada/" + "é" * 502)
        assert code(job) == "invalid_request"
        assert not house.transcripts.objects

    def test_the_dropper_is_told_before_the_record_is_closed(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        created = house.put("inbox/ada/a.mp3", b"")
        with monkeypatch.context() as patch:
            patch.setattr(house.transcripts, "publish", _breaks)
            with pytest.raises(ServiceUnavailable):
                house.arrived(created)
        assert code(house.arrived(created)) == "media_empty"
        assert "inbox/ada/a.mp3.problem.json" in house.transcripts.objects


class TestClaim:
    def test_hands_out_one_lease(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        assert isinstance(claim(house, job), Claim)
        again = claim(house, job)
        assert isinstance(again, Declined)
        assert again.hide_seconds

    def test_a_duplicate_looks_less_and_less_often(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        claimed(house, job)
        waits = [getattr(claim(house, job, receives=n), "hide_seconds", None) for n in (1, 3, 20)]
        assert waits == [120, 360, 900]

    def test_takes_over_what_a_dead_worker_held(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        dead = claimed(house, job)
        house.clock.advance(121)
        alive = claimed(house, job)
        assert alive.job.attempts == 2
        assert alive.run.attempt != dead.run.attempt
        with pytest.raises(Conflict):
            service.give_back(dead, counted=True, runs=house.runs)
        assert house.jobs.get(job.id) == alive.job

    def test_the_fourth_claim_fails_the_job(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        for _ in range(3):
            claimed(house, job)
            house.clock.advance(121)
        assert claim(house, job) == Declined(None, "every attempt is spent")
        assert code(house.jobs.get(job.id)) == "attempts_exhausted"
        assert house.runs.get(job.id) is None

    def test_a_leftover_is_deleted(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.work()
        leftover = claim(house, job)
        assert isinstance(leftover, Declined)
        assert leftover.hide_seconds is None

    def test_a_message_ahead_of_its_record_waits(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        early = claim(house, job, generation=2)
        assert isinstance(early, Declined)
        assert early.hide_seconds == 2


class TestEnds:
    def test_one_that_cannot_be_failed_holds_up_no_other(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        first, _ = house.submit(UPLOAD)
        second, _ = house.submit(UPLOAD)
        house.clock.advance(3 * 3600)
        save = house.jobs.save

        def sometimes(before: Job, after: Job) -> None:
            if before.id == first.id:
                raise ServiceUnavailable
            save(before, after)

        monkeypatch.setattr(house.jobs, "save", sometimes)
        with pytest.raises(ServiceUnavailable):
            service.expire(jobs=house.jobs, parts=house.parts, transcripts=house.transcripts, clock=house.clock)
        assert code(house.jobs.get(second.id)) == "upload_expired"

    def test_an_upload_that_never_comes(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        house.clock.advance(2 * 3600)
        assert (
            service.expire(jobs=house.jobs, parts=house.parts, transcripts=house.transcripts, clock=house.clock) == []
        )
        house.clock.advance(1)
        assert (
            len(service.expire(jobs=house.jobs, parts=house.parts, transcripts=house.transcripts, clock=house.clock))
            == 1
        )
        assert code(house.jobs.get(job.id)) == "upload_expired"
        assert house.arrived(house.put(f"uploads/ada/{job.id}")) is None, "it came too late"

    def test_a_dead_letter_fails_its_job_but_never_one_that_is_held(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        claimed(house, job)
        with pytest.raises(JobHeld):  # the letter comes back, since it may be the last that tells of the job
            house.bury(JobMessage.of(job))
        house.clock.advance(121)
        assert code(house.bury(JobMessage.of(job))) == "attempts_exhausted"
        assert house.runs.get(job.id) is None, "who let the lease run out cannot renew it for a job that is over"
        assert house.bury(JobMessage.of(job)) is None, "twice is once"

    def test_a_dead_letter_of_no_job(self, house: House) -> None:
        assert house.bury(JobMessage(job_id="nobody", generation=1)) is None

    def test_a_transcript_in_an_unknown_format(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        with pytest.raises(FormatNotAcceptable, match="txt, json, srt, vtt"):
            service.read_transcript(job, "docx", transcripts=house.transcripts)

    def test_a_failed_job_has_no_transcript_and_says_why(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3", b"")
        with pytest.raises(TranscriptUnavailable, match="no bytes"):
            service.read_transcript(job, "txt", transcripts=house.transcripts)

    def test_another_owner_s_job_is_as_unknown_as_none(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        told = set()
        for job_id, owner in ((job.id, "bob"), ("01kdy3q7ze0000000000000009", "ada"), ("a" * 3000, "ada")):
            with pytest.raises(JobNotFound) as raised:
                service.find(job_id, owner=owner, jobs=house.jobs)
            told.add(str(raised.value))
        assert len(told) == 1, "in the same words"

    def test_an_upload_window_is_told(self, house: House) -> None:
        job, upload = house.submit(UPLOAD)
        assert upload
        assert upload.expires_at == house.clock.now() + timedelta(hours=1)
        assert job.upload_expires_at == house.clock.now() + timedelta(hours=2)


def _breaks(*_: object, **__: object) -> None:
    raise ServiceUnavailable
