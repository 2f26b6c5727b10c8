"""Jobs that come to their end without a transcript, and what is told of them to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.house import House, code
from tiro import service
from tiro.errors import (
    FormatNotAcceptable,
    JobHeld,
    JobNotFound,
    MediaTooLong,
    ServiceUnavailable,
    TranscriptUnavailable,
)
from tiro.job import Job
from tiro.message import JobMessage

UPLOAD = '{"source": {"upload": {}}}'


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
            house.expire()
        assert code(house.jobs.get(second.id)) == "upload_expired"

    def test_an_upload_that_never_comes(self, house: House) -> None:
        job, _ = house.submit(UPLOAD)
        house.clock.advance(2 * 3600)
        assert house.expire() == []
        house.clock.advance(1)
        assert len(house.expire()) == 1
        assert code(house.jobs.get(job.id)) == "upload_expired"
        assert house.arrived(house.put(f"uploads/ada/{job.id}")) is None, "it came too late"

    def test_a_dead_letter_fails_its_job_but_never_one_that_is_held(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.claim(JobMessage.of(job))
        with pytest.raises(JobHeld):  # the letter comes back, since it may be the last that tells of the job
            house.bury(JobMessage.of(job))
        house.clock.advance(121)
        buried = house.bury(JobMessage.of(job))
        assert code(buried) == "attempts_exhausted"
        assert f"`tiro retry {job.id}`" in (buried.problem.detail if buried and buried.problem else "")
        assert house.runs.get(job.id) is None, "who let the lease run out cannot renew it for a job that is over"
        assert house.bury(JobMessage.of(job)) is None, "twice is once"

    def test_what_a_failed_job_was_heard_of_is_used_up(self, house: House) -> None:
        house.media.put("inbox/ada/a.mp3", b"speech")
        job, _ = house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')  # how long it is, nobody knows
        held = house.claim(JobMessage.of(job))
        assert isinstance(held, service.Claim)
        house.runs.renew(job.id, held.run.model_copy(update={"done": 3599.5}))
        ports = {"jobs": house.jobs, "transcripts": house.transcripts, "clock": house.clock}
        service.fail(held.job, MediaTooLong(), held=(house.runs, held.run.attempt), **ports)  # type: ignore[arg-type]
        assert house.jobs.used("ada", house.clock.now()).audio_seconds == 3599.5

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
