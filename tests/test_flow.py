"""The whole way of a recording, on fakes. Read this first.

An owner submits and uploads; S3 says that the object is there; a worker claims the job, hears the recording and
stores the transcript. Somebody else drops a file into the inbox and finds the transcript beside it.
"""

from __future__ import annotations

import pytest

from tests.factories import make_segment, make_transcript
from tests.fakes import FakeTranscriber
from tests.house import House
from tiro import service
from tiro.errors import JobNotFound, NotAudio, TranscriptNotReady
from tiro.job import JobStatus


def test_an_upload_becomes_a_transcript() -> None:
    house = House(transcriber=FakeTranscriber(make_transcript(make_segment("Ask not."))))

    job, upload = house.submit('{"source": {"upload": {"filename": "jfk.mp3"}}, "language": "en-US"}', owner="ada")
    assert job.status is JobStatus.AWAITING_MEDIA
    assert upload
    assert upload.url
    assert upload.url.endswith(f"uploads/ada/{job.id}")

    created = house.put(f"uploads/ada/{job.id}", b"what was said")  # the caller does what `upload` says
    house.arrived(created)
    queued = service.find(job.id, owner="ada", jobs=house.jobs)
    assert queued.status is JobStatus.QUEUED
    with pytest.raises(TranscriptNotReady):
        service.read_transcript(queued, "txt", transcripts=house.transcripts)

    house.work()
    done = service.find(job.id, owner="ada", jobs=house.jobs)
    assert done.status is JobStatus.COMPLETED
    assert done.started_at
    assert done.finished_at
    assert len(house.queue) == 0
    _, text = service.read_transcript(done, "txt", transcripts=house.transcripts)
    assert text == "Ask not.\n"

    with pytest.raises(JobNotFound):
        service.find(job.id, owner="somebody-else", jobs=house.jobs)


def test_a_dropped_file_becomes_a_transcript_beside_it() -> None:
    house = House(transcriber=FakeTranscriber(make_transcript(make_segment("Guten Tag."))))
    house.drop("inbox/ada/talks/monday.mp3", language="de-DE")
    house.work()
    beside = {key: body for key, body in house.transcripts.objects.items() if key.startswith("inbox/")}
    assert set(beside) == {f"inbox/ada/talks/monday.mp3.{ending}" for ending in ("json", "txt", "srt", "vtt")}
    assert beside["inbox/ada/talks/monday.mp3.txt"] == b"Guten Tag.\n"


def test_what_cannot_be_heard_fails_with_its_reason() -> None:
    house = House(transcriber=FakeTranscriber(NotAudio("This is a text file.")))
    job = house.drop("inbox/ada/notes.mp3")
    house.work()
    failed = house.jobs.get(job.id)
    assert failed.status is JobStatus.FAILED
    assert failed.problem
    assert (failed.problem.code, failed.problem.retryable) == ("not_audio", False)
    assert b"This is a text file." in house.transcripts.objects["inbox/ada/notes.mp3.problem.json"]
    assert len(house.queue) == 0
