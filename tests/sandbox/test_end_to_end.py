"""The whole of Tiro, deployed as it is synthesized: real HTTP, real queue, real Lambdas, real Whisper, real speech."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest

from sandbox.emulator import require_free
from sandbox.machine import OWNER
from sandbox.up import SAMPLE
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack, error_rate, eventually
from tests.tolerance import MOST_WRONG
from tiro.adapters.dynamodb import DynamoDBKeyStore
from tiro.key import ApiKey, hash_key, new_key
from tiro.transcript import Transcript

pytestmark = pytest.mark.sandbox

NOBODYS_KEY = new_key(bytes(32))
NOBODYS_JOB = "0" * 26


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


# ---------------------------------------------------------------- the doors


def test_upload(stack: Stack) -> None:
    speech = SAMPLE.read_bytes()
    job = stack.upload(speech, filename="Tiro.ogg", content_type="audio/ogg", size=len(speech))
    assert (job["status"], job["source"], job["language"], job["problem"]) == ("completed", "upload", "en", None)
    assert job["media"]["name"] == "Tiro.ogg"
    assert job["media"]["duration"] == pytest.approx(13.7, abs=0.1)
    texts = {form: stack.call("GET", f"transcriptions/{job['id']}/transcript?format={form}") for form in FORMS}
    for form, answer in texts.items():
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith(FORMS[form])
    transcript = Transcript.model_validate_json(texts["json"].content)
    assert error_rate(transcript.text) <= MOST_WRONG
    assert error_rate(texts["txt"].text) <= MOST_WRONG
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:", texts["srt"].text)
    assert texts["vtt"].text.startswith("WEBVTT")


FORMS = {"json": "application/json", "txt": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}


def test_an_object_that_is_there_already(stack: Stack) -> None:
    uploaded = stack.upload(SAMPLE.read_bytes())
    job = stack.submit({"s3": f"s3://{stack.media}/uploads/{OWNER}/{uploaded['id']}"}, language="en-GB")
    assert (job["status"], job["source"]) == ("queued", "s3")
    assert stack.wait(job["id"])["status"] == "completed"
    transcript = stack.call("GET", f"transcriptions/{job['id']}/transcript?format=json").json()
    assert transcript["language_probability"] is None, "it was told, and need not guess"


@pytest.mark.parametrize(
    "key", ["plain.ogg", "a b+c%20d.ogg", "déjà/音声/„quoted“ 'too' \"two\".ogg", "no extension & =?#.ogg.ogg"]
)
def test_inbox(stack: Stack, key: str) -> None:
    stack.drop(key, SAMPLE.read_bytes(), Metadata={"language": "en"})
    found = stack.all_four(key)
    assert error_rate(found["txt"].decode()) <= MOST_WRONG
    transcript = Transcript.model_validate_json(found["json"])
    assert transcript.language_probability is None, "the metadata said it"


def test_the_owners_prefix_says_whose_it_is(stack: Stack) -> None:
    theirs = {"Authorization": f"Bearer {_other_key(stack)}"}
    stack.drop("mine.ogg", SAMPLE.read_bytes(), Metadata={"owner": "other"})
    stack.all_four("mine.ogg")
    [job] = stack.jobs_of("mine.ogg")
    assert job.owner == OWNER
    assert stack.http.get(f"transcriptions/{job.id}", headers=theirs).status_code == 404


# ---------------------------------------------------------------- the call is wrong


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", f"transcriptions/{NOBODYS_JOB}", None),
        ("GET", f"transcriptions/{NOBODYS_JOB}/transcript", NOBODYS_KEY),
        ("POST", "transcriptions", NOBODYS_KEY),
        ("POST", "transcriptions", "no key at all"),
    ],
)
def test_without_a_key_nothing(stack: Stack, method: str, path: str, key: str | None) -> None:
    answer = stack.call(method, path, key=key)
    assert answer.status_code in (401, 403)  # AWS answers 401; of a missing key the emulator says 403
    _is_problem(answer.json(), "unauthorized")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "malformed_body"),
        ("", 400, "malformed_body"),
        ("[]", 422, "invalid_request"),
        ("{}", 422, "invalid_request"),
        ('{"source": {"upload": {}}, "colour": "red"}', 422, "invalid_request"),
        ('{"source": {"upload": {}}, "language": "tlh"}', 422, "invalid_request"),
        ('{"source": {"upload": {}, "s3": "s3://bucket/key"}}', 422, "invalid_request"),
        ('{"source": {"s3": "s3://somebody-elses/key"}}', 403, "source_forbidden"),
        ('{"source": {"s3": "s3://MEDIA/inbox/other/key"}}', 403, "source_forbidden"),
        (f'{{"source": {{"s3": "s3://MEDIA/inbox/{OWNER}/none.mp3"}}}}', 404, "media_not_found"),
    ],
)
def test_a_wrong_request(stack: Stack, body: str, status: int, code: str) -> None:
    answer = stack.call("POST", "transcriptions", content=body.replace("MEDIA", stack.media))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    _is_problem(answer.json(), code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"transcriptions/{NOBODYS_JOB}", 404, "job_not_found"),
        ("GET", f"transcriptions/{NOBODYS_JOB}/transcript", 404, "job_not_found"),
        ("GET", "transcriptions/not-an-id", 404, "job_not_found"),
        ("GET", "nothing/here", 404, "route_not_found"),
    ],
)
def test_a_wrong_address(stack: Stack, method: str, path: str, status: int, code: str) -> None:
    answer = stack.call(method, path)
    assert answer.status_code == status, answer.text
    _is_problem(answer.json(), code)


def test_another_owners_job_is_not_there(stack: Stack) -> None:
    job = stack.submit({"upload": {}})
    key = _other_key(stack)
    for path in (f"transcriptions/{job['id']}", f"transcriptions/{job['id']}/transcript"):
        answer = stack.call("GET", path, key=key)
        assert answer.status_code == 404
        _is_problem(answer.json(), "job_not_found")


def test_a_transcript_that_is_not_ready(stack: Stack) -> None:
    job = stack.submit({"upload": {}})
    answer = stack.call("GET", f"transcriptions/{job['id']}/transcript")
    assert answer.status_code == 409
    assert _is_problem(answer.json(), "transcript_not_ready")["retryable"] is True


# ---------------------------------------------------------------- the recording is wrong


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"This is a letter, and it was only renamed.\n" * 50, "not_audio"), (b"", "media_empty"), (b"\0", "not_audio")],
)
def test_a_wrong_recording(stack: Stack, content: bytes, code: str) -> None:
    job = stack.upload(content, filename="letter.mp3")
    assert job["status"] == "failed"
    _is_problem(job["problem"], code)
    answer = stack.call("GET", f"transcriptions/{job['id']}/transcript")
    assert answer.status_code == 409
    _is_problem(answer.json(), "transcript_unavailable")


def test_a_wrong_recording_in_the_inbox(stack: Stack) -> None:
    stack.drop("letter.mp3", b"Dear sir or madam, " * 50)
    problem = eventually(lambda: stack.found("letter.mp3").get("problem.json"))
    _is_problem(json.loads(problem), "not_audio")
    assert set(stack.found("letter.mp3")) == {"problem.json"}


@pytest.mark.parametrize("key", ["inbox/letter.mp3", "inbox//letter.mp3", "inbox/Some One/Ünïcode (1).mp3"])
def test_a_drop_that_names_no_owner(stack: Stack, key: str) -> None:
    stack.s3.put_object(Bucket=stack.media, Key=key, Body=SAMPLE.read_bytes())
    problem = eventually(lambda: stack.beside(key).get("problem.json"))
    _is_problem(json.loads(problem), "no_owner")
    assert set(stack.beside(key)) == {"problem.json"}, "and no problem of a problem"


def test_a_truncated_recording_gives_what_is_there(stack: Stack) -> None:
    speech = SAMPLE.read_bytes()
    job = stack.upload(speech[: len(speech) // 2])
    assert job["status"] == "completed"
    assert 4 < job["progress"]["total_seconds"] < 10


# ---------------------------------------------------------------- events


def test_events_that_say_nothing(stack: Stack) -> None:
    stack.drop("folder/", b"")
    stack.tell({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": stack.media})
    eventually(stack.all_told)
    assert stack.jobs_of("folder/") == []
    assert _dead_events(stack) == 0


def test_the_same_event_twice_and_an_older_one_late(stack: Stack) -> None:
    key = "again and again.ogg"
    stack.drop(key, SAMPLE.read_bytes())
    stack.all_four(key)
    [job] = stack.jobs_of(key)
    assert job.drop is not None
    stack.tell(_event(stack, key, job.drop.sequencer))
    stack.tell(_event(stack, key, job.drop.sequencer))
    eventually(stack.all_told)
    assert [j.id for j in stack.jobs_of(key)] == [job.id]
    assert _dead_events(stack) == 0


def test_an_object_deleted_before_it_is_read(stack: Stack) -> None:
    stack.tell(_event(stack, "gone.ogg", "0001"))
    problem = eventually(lambda: stack.found("gone.ogg").get("problem.json"))
    _is_problem(json.loads(problem), "media_not_found")


def test_the_newest_write_of_a_key_wins(stack: Stack) -> None:
    stack.drop("twice.ogg", SAMPLE.read_bytes())
    stack.all_four("twice.ogg")
    stack.drop("twice.ogg", b"not a recording any more")
    problem = eventually(lambda: stack.found("twice.ogg").get("problem.json"))
    _is_problem(json.loads(problem), "not_audio")
    assert len(stack.jobs_of("twice.ogg")) == 2


# ---------------------------------------------------------------- the sandbox itself; last, since it is stopped


def test_state_survives_a_restart_and_a_kill(running_sandbox: RunningSandbox) -> None:
    env = running_sandbox.env
    with Stack(running_sandbox) as before:
        job = before.upload(SAMPLE.read_bytes())
    assert running_sandbox.state.env.stat().st_mode & 0o777 == 0o600

    assert running_sandbox.stop() == 0
    assert not running_sandbox.state.env.exists()
    require_free(running_sandbox.port)
    running_sandbox.start()
    assert running_sandbox.env == env
    with Stack(running_sandbox) as restarted:
        assert restarted.call("GET", f"transcriptions/{job['id']}").json() == job

    running_sandbox.stop(signal.SIGKILL)
    with running_sandbox.state.hold():  # waits until the last child has ended
        assert not running_sandbox.state.env.exists()
        require_free(running_sandbox.port)
    running_sandbox.start()
    with Stack(running_sandbox) as after:
        assert after.call("GET", f"transcriptions/{job['id']}/transcript").status_code == 200
        assert after.upload(SAMPLE.read_bytes())["status"] == "completed"


# ---------------------------------------------------------------- helpers


def _is_problem(problem: dict[str, Any], code: str) -> dict[str, Any]:
    assert problem["code"] == code, problem
    assert {"type", "title", "status", "detail", "retryable"} <= set(problem)
    assert "Traceback" not in problem["detail"]
    return problem


def _other_key(stack: Stack) -> str:
    key = new_key(bytes(range(32)))
    keys = DynamoDBKeyStore(stack.dynamodb, stack.env["TIRO_TABLE"])
    if keys.find(hash_key(key)) is None:
        keys.add(hash_key(key), ApiKey(id="key_other", owner="other", created_at=datetime.now(UTC)))
    return key


def _event(stack: Stack, key: str, sequencer: str) -> dict[str, Any]:
    """Return an event as S3 words it (user guide, "Event message structure"), less what Tiro never reads."""
    thing = {"key": quote_plus(f"inbox/{OWNER}/{key}"), "size": 1, "sequencer": sequencer}
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": stack.media}, "object": thing}}
    return {"Records": [record]}


def _dead_events(stack: Stack) -> int:
    """Return how many events were given up."""
    uploads = stack.env["TIRO_UPLOAD_QUEUE_URL"]
    policy = stack.sqs.get_queue_attributes(QueueUrl=uploads, AttributeNames=["RedrivePolicy"])["Attributes"]
    name = json.loads(policy["RedrivePolicy"])["deadLetterTargetArn"].rsplit(":", 1)[1]
    url = stack.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    counts = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(counts["Attributes"]["ApproximateNumberOfMessages"])
