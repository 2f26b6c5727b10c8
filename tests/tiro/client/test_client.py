"""The client against a real server: what it sends, what it repeats, and what it makes of a no."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.factories import make_transcript
from tests.fake_api import KEY, FakeApi, body_of, serve
from tiro.client import ATTEMPTS, CHUNK_BYTES, Client, RequestFailed
from tiro.errors import CallInProgress, KeyRefused, MediaEmpty, NotAudio, NotConfigured, Unreachable
from tiro.job import JobStatus
from tiro.request import Options, S3Object

# ---------------------------------------------------------------- the whole way


def test_a_file_goes_up_and_its_transcript_comes_down(client: Client, api: FakeApi, recording: Path) -> None:
    stages: list[JobStatus] = []
    job = client.submit(recording, Options(language="de"))
    assert api.objects[job.id] == recording.read_bytes()
    done = client.wait(job.id, lambda seen: stages.append(seen.status))
    assert stages == [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.PROCESSING, JobStatus.COMPLETED]
    assert done.status is JobStatus.COMPLETED
    assert client.transcript(job.id) == "Dictate, and it is written.\n"
    assert client.transcript(job.id, "vtt").startswith("WEBVTT\n")
    assert body_of(api.calls("POST")[0]) == {
        "source": {"upload": {"filename": "interview.mp3", "size": 600_000, "content_type": "audio/mpeg"}},
        "language": "de",
    }


def test_an_object_in_s3_is_named_and_not_sent(client: Client, api: FakeApi) -> None:
    job = client.submit(S3Object(bucket="media", key="inbox/ada/a b+%ü.mp3"))
    assert body_of(api.calls("POST")[0]) == {"source": {"s3": "s3://media/inbox/ada/a b+%ü.mp3"}}
    assert client.wait(job.id).status is JobStatus.COMPLETED
    assert not api.calls("PUT")


def test_a_failed_job_is_an_answer_and_no_error(client: Client, api: FakeApi, recording: Path) -> None:
    api.error = NotAudio("This is a text file.")
    job = client.wait(client.submit(recording).id)
    assert job.status is JobStatus.FAILED
    assert job.problem == api.error.problem()


# ---------------------------------------------------------------- the upload


def test_the_key_is_not_for_s3(client: Client, api: FakeApi, recording: Path) -> None:
    client.submit(recording)
    (put,) = api.calls("PUT")
    assert "authorization" not in put.headers
    assert all(asked.headers["authorization"] == f"Bearer {KEY}" for asked in api.calls("POST") + api.calls("GET"))


@pytest.mark.parametrize("tells_length", [True, False])
def test_an_upload_says_its_length_and_its_progress(
    client: Client, api: FakeApi, recording: Path, tells_length: bool
) -> None:
    api.tells_length = tells_length
    told: list[tuple[int, int]] = []
    client.submit(recording, on_upload=lambda done, total: told.append((done, total)))
    (put,) = api.calls("PUT")
    assert put.headers["content-length"] == "600000"
    assert told == [(0, 600_000), (CHUNK_BYTES, 600_000), (2 * CHUNK_BYTES, 600_000), (600_000, 600_000)]


@pytest.mark.parametrize("name", ["--help", "a 'quoted' \"one\".wav", "Gespräch 日本.ogg", "no-extension", "x.mp3\n"])
def test_odd_names(client: Client, api: FakeApi, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"speech")
    client.submit(tmp_path / name)
    assert body_of(api.calls("POST")[0])["source"]["upload"]["filename"] == name


def test_a_name_that_is_not_utf8(client: Client, api: FakeApi, tmp_path: Path) -> None:
    path = tmp_path / b"caf\xe9.mp3".decode(errors="surrogateescape")
    path.write_bytes(b"speech")
    client.submit(path)
    assert body_of(api.calls("POST")[0])["source"]["upload"]["filename"] == "caf\N{REPLACEMENT CHARACTER}.mp3"


def test_an_empty_file_makes_no_job(client: Client, api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(MediaEmpty):
        client.submit(tmp_path / "empty.wav")
    assert not api.asked


def test_a_file_that_is_not_there_makes_no_job(client: Client, api: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.submit(tmp_path / "nothing.wav")
    assert not api.asked


def test_a_file_that_shrinks_is_an_error_of_the_file(client: Client, recording: Path) -> None:
    def cut(done: int, total: int) -> None:
        with recording.open("r+b") as file:
            file.truncate(10)

    with pytest.raises(OSError, match="became shorter"):
        client.submit(recording, on_upload=cut)


def test_a_file_that_grows_is_sent_as_it_was(client: Client, api: FakeApi, recording: Path) -> None:
    def grow(done: int, total: int) -> None:
        with recording.open("ab") as file:
            file.write(b"more")

    job = client.submit(recording, on_upload=grow)
    assert api.objects[job.id] == b"speech" * 100_000


def test_s3_s_own_words_are_passed_on(client: Client, api: FakeApi, recording: Path) -> None:
    said = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    api.fail("PUT", 403, body=said)
    with pytest.raises(RequestFailed, match="Request has expired") as failed:
        client.submit(recording)
    problem = failed.value.problem()
    assert (problem.code, problem.status, problem.retryable) == ("upload_refused", 403, False)
    assert "AccessDenied" in problem.detail


# ---------------------------------------------------------------- what is repeated


@pytest.mark.parametrize("status", [429, 502, 503, 504, None])
def test_an_upload_is_sent_again_from_its_beginning(
    client: Client, api: FakeApi, recording: Path, status: int | None
) -> None:
    api.fail("PUT", status, times=ATTEMPTS - 1)
    job = client.submit(recording)
    assert api.objects[job.id] == recording.read_bytes()
    assert len(api.calls("PUT")) == ATTEMPTS
    assert len(api.calls("POST")) == 1


@pytest.mark.parametrize("status", [503, None])
def test_looking_is_repeated_but_not_for_ever(
    client: Client, api: FakeApi, recording: Path, slept: list[float], status: int | None
) -> None:
    job = client.submit(recording)
    api.fail("GET", status, times=ATTEMPTS - 1)
    assert client.job(job.id).status is JobStatus.QUEUED
    assert slept == sorted(slept)
    assert len(slept) == ATTEMPTS - 1
    api.fail("GET", status, times=ATTEMPTS)
    with pytest.raises((RequestFailed, Unreachable)):
        client.job(job.id)


def test_retry_after_is_obeyed(client: Client, api: FakeApi, recording: Path, slept: list[float]) -> None:
    job = client.submit(recording)
    api.fail("GET", 429, retry_after=17)
    client.job(job.id)
    assert len(slept) == 1
    assert 17 <= slept[0] <= 17 * 1.25


def test_a_hint_that_is_too_long_is_passed_on(client: Client, api: FakeApi, slept: list[float]) -> None:
    api.fail("GET", 429, retry_after=3600)
    with pytest.raises(RequestFailed):
        client.job("x")
    assert slept == []


@pytest.mark.parametrize("status", [429, 503, None])
def test_a_lost_answer_makes_no_second_job(client: Client, api: FakeApi, recording: Path, status: int | None) -> None:
    """It is made, and the answer is lost; the same call with the same key finds it."""
    api.fail("POST", status, times=ATTEMPTS - 1)
    job = client.submit(recording)
    keys = {asked.headers["idempotency-key"] for asked in api.calls("POST")}
    assert len(keys) == 1
    assert len(api.calls("POST")) == ATTEMPTS
    assert list(api.jobs) == [job.id]
    client.submit(recording)
    assert len(api.jobs) == 2  # another call, another key


def test_the_first_call_is_waited_for(client: Client, api: FakeApi) -> None:
    busy = CallInProgress().problem().model_dump_json().encode()
    api.fail("POST", 409, body=busy)
    assert client.submit(S3Object(bucket="media", key="a")).id in api.jobs


@pytest.mark.parametrize(("status", "calls"), [(503, 1), (None, 1), (429, 2)])
def test_what_has_no_key_is_repeated_only_where_nothing_was_done(
    client: Client, api: FakeApi, status: int | None, calls: int
) -> None:
    endpoint = client.add_webhook("https://example.com/tiro")
    api.fail("POST", status)
    if calls == 1:
        with pytest.raises((RequestFailed, Unreachable)):
            client.rotate_webhook(endpoint.id)
    else:
        client.rotate_webhook(endpoint.id)
    assert len([asked for asked in api.calls("POST") if asked.path.endswith("/rotate")]) == calls


def test_a_plain_no_is_taken_at_once(client: Client, api: FakeApi) -> None:
    with pytest.raises(RequestFailed):
        client.job("nobody's")
    assert len(api.calls("GET")) == 1


def test_the_pauses_between_looks_begin_short_and_grow(client: Client, api: FakeApi, slept: list[float]) -> None:
    api.looks = 20
    client.wait(client.submit(S3Object(bucket="media", key="a")).id)
    assert slept[0] == 0.5
    assert slept == sorted(slept)
    assert slept[-1] == 3.0


# ---------------------------------------------------------------- what a no becomes


def test_a_problem_is_carried_as_it_came(client: Client, api: FakeApi) -> None:
    with pytest.raises(RequestFailed, match=r"You have no transcription 'a/\.\./b'") as failed:
        client.job("a/../b")
    problem = failed.value.problem()
    assert (problem.code, problem.status, problem.request_id) == ("job_not_found", 404, "r-1")
    assert api.asked[0].path == "/prod/v1/transcriptions/a%2F..%2Fb"


def test_a_wrong_key(api: FakeApi) -> None:
    with Client(f"{api.url}/prod", "tiro_wrong") as client, pytest.raises(RequestFailed) as failed:
        client.job("x")
    assert failed.value.problem().code == "unauthorized"


def test_a_stranger_s_answer_is_called_one(client: Client, api: FakeApi) -> None:
    api.fail("POST", 403, body=b'{"message":"Missing Authentication Token"}')
    with pytest.raises(RequestFailed, match="Missing Authentication Token") as failed:
        client.submit(S3Object(bucket="media", key="a"))
    assert failed.value.problem().code == "unexpected_answer"


@pytest.mark.parametrize("status", [200, 301, 299])
def test_a_success_that_is_none(client: Client, api: FakeApi, status: int) -> None:
    api.fail("GET", status)
    with pytest.raises(RequestFailed) as failed:
        client.job("x")
    assert failed.value.problem().code == "unexpected_answer"


def test_nobody_there(slept: list[float]) -> None:
    with serve(FakeApi()) as gone:
        pass
    with Client(gone.url, KEY, sleep=slept.append) as client, pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        client.job("x")
    assert len(slept) == ATTEMPTS - 1


@pytest.mark.parametrize("url", ["", "api.example.com", "ftp://example.com", "https://", "https://a b"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(NotConfigured):
        Client(url, KEY)


@pytest.mark.parametrize("key", ["", "a b", "clé", "a\nX-Other: b"])
def test_a_key_that_no_header_carries(key: str) -> None:
    with pytest.raises(KeyRefused):
        Client("https://example.com", key)


def test_a_transcript_is_utf8(client: Client, api: FakeApi) -> None:
    api.transcript = make_transcript(
        segments=(make_transcript().segments[0].model_copy(update={"text": "Grüße 日本"}),)
    )
    job = client.wait(client.submit(S3Object(bucket="media", key="a")).id)
    assert client.transcript(job.id) == "Grüße 日本\n"


def test_a_large_transcript_is_fetched_from_elsewhere_without_the_key(client: Client, api: FakeApi) -> None:
    api.lends = True
    job = client.wait(client.submit(S3Object(bucket="media", key="inbox/ada/a.mp3")).id)
    assert client.transcript(job.id, "vtt").startswith("WEBVTT\n")
    assert client.transcript(job.id) == "Dictate, and it is written.\n"
    assert [asked.path for asked in api.calls("GET") if asked.path.startswith("/lent/")] == [
        f"/lent/{job.id}/vtt",
        f"/lent/{job.id}/txt",
    ]


def test_rules_go_into_the_query(client: Client, api: FakeApi) -> None:
    job = client.wait(client.submit(S3Object(bucket="media", key="inbox/ada/a.mp3")).id)
    client.transcript(job.id, "srt", max_lines=1, max_cue_seconds=4.5)
    assert api.asked[-1].path.endswith("/transcript?format=srt&max_lines=1&max_cue_seconds=4.5")


def test_a_copy_that_is_kept_back_is_told_in_s3_s_words() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.test":
            return httpx.Response(303, headers={"Location": "https://s3.test/copy?X-Amz-Signature=0"})
        assert "Authorization" not in request.headers
        return httpx.Response(
            403, text="<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
        )

    with Client("https://api.test/prod", KEY, transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(RequestFailed, match=r"Request has expired \(AccessDenied\)") as failed:
            client.transcript("j")
        assert failed.value.answer.code == "copy_refused"


def test_an_answer_from_nowhere_is_unexpected() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(303))
    with Client("https://api.test/prod", KEY, transport=transport) as client, pytest.raises(RequestFailed):
        client.transcript("j")
