"""A submission: what is refused before there is a job, and what is there when it breaks off."""

from __future__ import annotations

import pytest

from tests.house import NAMES, House, breaks
from tiro import service
from tiro.errors import InvalidRequest, MediaEmpty, MediaNotFound, MediaTooLarge, ServiceUnavailable, SourceForbidden
from tiro.job import JobStatus
from tiro.request import S3Object
from tiro.settings import ApiSettings


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
        monkeypatch.setattr(house.jobs, "create", breaks)
        with pytest.raises(ServiceUnavailable):
            house.submit('{"source": {"s3": "s3://media/inbox/ada/a.mp3"}}')
        for _ in range(service.LOOKS_FOR_JOB):
            assert len(house.queue) == 1
            house.work()
            house.clock.advance(60)
        assert len(house.queue) == 0
