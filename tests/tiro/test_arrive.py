"""S3's events, late, twice, in any order, or of nobody's recording: each makes of a recording one job, or none."""

from __future__ import annotations

import pytest

from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.house import NAMES, House, breaks, code
from tiro.errors import NotAudio, ServiceUnavailable
from tiro.job import JobStatus
from tiro.request import S3Object
from tiro.service import ObjectCreated
from tiro.settings import ApiSettings

UPLOAD = '{"source": {"upload": {}}}'


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
            patch.setattr(house.queue, "send", breaks)
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
        assert not house.transcripts.objects

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
            patch.setattr(house.transcripts, "publish", breaks)
            with pytest.raises(ServiceUnavailable):
                house.arrived(created)
        assert code(house.arrived(created)) == "media_empty"
        assert "inbox/ada/a.mp3.problem.json" in house.transcripts.objects
