"""Each door, opened as AWS opens it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions import on_dead_letter, on_schedule, on_upload, wiring
from tests.factories import make_transcript
from tests.functions.conftest import Stack, sqs_event
from tiro.errors import ServiceUnavailable
from tiro.job import Job, JobStatus
from tiro.message import JobMessage


def submit(stack: Stack, body: str = '{"source": {"upload": {}}}') -> Any:
    return stack.call("POST", "/v1/transcriptions", body=body)


def stored(job_id: str) -> Job:
    return wiring.jobs().get(job_id)


class TestApi:
    def test_a_submission_is_accepted_and_found(self, stack: Stack) -> None:
        answer = submit(stack, '{"source": {"upload": {"filename": "a.mp3"}}, "language": "fr"}')
        job = answer["body"]
        assert answer["statusCode"] == 202
        assert answer["multiValueHeaders"]["Location"] == [f"/v1/transcriptions/{job['id']}"]
        assert answer["multiValueHeaders"]["Retry-After"] == ["1"]
        assert job["status"] == "awaiting_media"
        assert job["upload"]["method"] == "PUT"
        assert job["id"] in job["upload"]["url"]
        found = stack.call("GET", f"/v1/transcriptions/{job['id']}")
        assert found["statusCode"] == 200
        assert found["body"] == {**job, "upload": None}

    def test_a_body_may_come_base64_encoded(self, stack: Stack) -> None:
        from functions.api import handler
        from tests.functions.conftest import EVENTS

        event = json.loads((EVENTS / "rest_api.json").read_text())
        event |= {"body": "eyJzb3VyY2UiOiB7InVwbG9hZCI6IHt9fX0=", "isBase64Encoded": True}
        assert handler(event, None)["statusCode"] == 202

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (None, 400, "malformed_body"),
            ("{", 400, "malformed_body"),
            ('{"source": {"upload": {}}, "lang": "en"}', 422, "invalid_request"),
            ('{"source": {"s3": "s3://other-bucket/inbox/ada/x"}}', 403, "source_forbidden"),
            ('{"source": {"upload": {"size": 99999999999}}}', 413, "media_too_large"),
        ],
    )
    def test_a_wrong_request_is_a_problem(self, stack: Stack, body: str | None, status: int, code: str) -> None:
        answer = submit(stack, body)  # type: ignore[arg-type]
        assert answer["statusCode"] == status
        assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
        problem = answer["body"]
        assert (problem["code"], problem["status"], problem["retryable"]) == (code, status, False)
        assert problem["request_id"] == "11111111-2222-3333-4444-555555555555"

    def test_another_owner_s_job_is_not_there(self, stack: Stack) -> None:
        job_id = submit(stack)["body"]["id"]
        for path in (f"/v1/transcriptions/{job_id}", f"/v1/transcriptions/{job_id}/transcript"):
            answer = stack.call("GET", path, owner="bob")
            assert (answer["statusCode"], answer["body"]["code"]) == (404, "job_not_found")

    @pytest.mark.parametrize("job_id", ["x", "01kdy3q7ze0000000000000009", "%00", "a%2Fb", "é", "x" * 3000])
    def test_an_unknown_id_is_not_there(self, stack: Stack, job_id: str) -> None:
        assert stack.call("GET", f"/v1/transcriptions/{job_id}")["statusCode"] == 404

    def test_a_transcript_is_rendered_as_it_is_asked_for(self, stack: Stack) -> None:
        job_id = submit(stack)["body"]["id"]
        path = f"/v1/transcriptions/{job_id}/transcript"
        early = stack.call("GET", path)
        assert (early["statusCode"], early["body"]["code"]) == (409, "transcript_not_ready")
        assert early["multiValueHeaders"]["Retry-After"]
        _complete(stack, job_id)
        vtt = stack.call("GET", path, format="vtt")
        assert vtt["multiValueHeaders"]["Content-Type"] == ["text/vtt; charset=utf-8"]
        assert vtt["body"].startswith("WEBVTT")
        assert stack.call("GET", path)["body"]["version"] == "1"
        assert stack.call("GET", path, format="docx")["body"]["code"] == "format_not_acceptable"

    def test_a_mistake_of_ours_tells_nothing_but_its_number(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise ValueError("a secret")

        monkeypatch.setattr("tiro.service.submit", broken)
        answer = submit(stack)
        assert (answer["statusCode"], answer["body"]["code"]) == (500, "internal_error")
        assert "secret" not in json.dumps(answer)


class TestOnUpload:
    def test_an_upload_is_queued_and_a_test_event_is_swallowed(self, stack: Stack) -> None:
        job_id = submit(stack)["body"]["id"]
        event = sqs_event('{"Event": "s3:TestEvent"}', stack.put(f"uploads/ada/{job_id}", b"speech"))
        assert on_upload.handler(event, None) == {"batchItemFailures": []}
        assert stored(job_id).status is JobStatus.QUEUED

    @pytest.mark.parametrize("name", ["a b+c %20&d'\"é 日本.mp3", "-rf --help.wav", "talk.mp3"])
    def test_odd_keys_come_through(self, stack: Stack, name: str) -> None:
        on_upload.handler(sqs_event(stack.put(f"inbox/ada/{name}", b"speech")), None)
        received = wiring.queue(stack.settings.queue_url, "").receive(wait_seconds=0)
        assert received
        job = stored(JobMessage.parse(received.body).job_id)
        assert job.media
        assert (job.media.key, job.media.name) == (f"inbox/ada/{name}", name)

    def test_one_bad_record_does_not_take_the_others_with_it(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job_id = submit(stack)["body"]["id"]
        good = stack.put(f"uploads/ada/{job_id}", b"speech")
        assert on_upload.handler(sqs_event("not json", good), None) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
        assert stored(job_id).status is JobStatus.QUEUED


class TestTheOthers:
    def test_a_dead_letter_fails_its_job(self, stack: Stack) -> None:
        job_id = submit(stack)["body"]["id"]
        on_upload.handler(sqs_event(stack.put(f"uploads/ada/{job_id}", b"speech")), None)
        letter = JobMessage(job_id=job_id, generation=1).model_dump_json()
        assert on_dead_letter.handler(sqs_event("<garbage>", letter), None) == {"batchItemFailures": []}
        problem = stored(job_id).problem
        assert problem
        assert problem.code == "attempts_exhausted"

    def test_the_schedule_expires_what_never_came(self, stack: Stack) -> None:
        job_id = submit(stack)["body"]["id"]
        assert not any(on_schedule.handler({}, None).values())
        job = stored(job_id)
        past = job.model_copy(update={"upload_expires_at": datetime.now(UTC) - timedelta(1), "revision": 2})
        wiring.jobs().save(job, past)
        assert {name: n for name, n in on_schedule.handler({}, None).items() if n} == {"expired": 1}
        assert stored(job_id).status is JobStatus.FAILED

    def test_the_schedule_sends_a_job_again_whose_message_is_gone(self, stack: Stack) -> None:
        job_id = submit(stack)["body"]["id"]
        on_upload.handler(sqs_event(stack.put(f"uploads/ada/{job_id}", b"speech")), None)
        job, queue = stored(job_id), wiring.queue(stack.settings.queue_url, "")
        long_ago = job.model_copy(update={"sent_at": datetime.now(UTC) - timedelta(hours=1), "revision": 3})
        wiring.jobs().save(job, long_ago)
        assert not any(on_schedule.handler({}, None).values()), "the queue is not empty"
        received = queue.receive(wait_seconds=0)
        assert received
        queue.delete(received)
        assert on_schedule.handler({}, None)["sent_again"] == 1
        received = queue.receive(wait_seconds=0)
        assert received
        assert stored(job_id).generation == 2
        assert JobMessage.parse(received.body) == JobMessage.of(stored(job_id))

    def test_what_does_not_answer_keeps_nobody_else_waiting_but_is_heard_of(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def down(*_: object, **__: object) -> None:
            raise ServiceUnavailable

        def pass_on(**_: object) -> int:
            passed_on.append(True)
            return 0

        passed_on: list[bool] = []
        monkeypatch.setattr("tiro.adapters.backlog.SQSBacklog.cleared_until", down)
        monkeypatch.setattr("tiro.service.pass_on_due", pass_on)
        with pytest.raises(ServiceUnavailable):
            on_schedule.handler({}, None)
        assert passed_on

    def test_the_schedule_removes_what_was_to_be_kept_so_long(self, stack: Stack) -> None:
        kept = json.dumps({"source": {"upload": {}}, "delete_media": True, "retention_seconds": 86400})
        job_id = stack.call("POST", "/v1/transcriptions", body=kept)["body"]["id"]
        _complete(stack, job_id)
        at = f"/v1/transcriptions/{job_id}"
        assert stack.call("GET", f"{at}/media")["statusCode"] == 200
        assert on_schedule.handler({}, None)["tidied"] == 1
        gone = stack.call("GET", f"{at}/media")
        assert (gone["statusCode"], gone["body"]["code"]) == (404, "media_not_found")
        seen = stack.call("GET", at)["body"]
        assert (seen["status"], bool(seen["media_deleted_at"]), bool(seen["expires_at"])) == ("completed", True, True)
        assert stack.call("GET", f"{at}/transcript", format="txt")["statusCode"] == 200
        job = stored(job_id)
        past = {"finished_at": datetime.now(UTC) - timedelta(days=2), "revision": job.revision + 1}
        wiring.jobs().save(job, job.model_copy(update=past))
        assert on_schedule.handler({}, None)["tidied"] == 1
        assert stack.call("GET", at)["statusCode"] == 410
        assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0
        assert on_schedule.handler({}, None)["tidied"] == 0

    def test_a_table_that_does_not_answer_leaves_the_letter(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def down(*_: object, **__: object) -> None:
            raise ServiceUnavailable

        monkeypatch.setattr("tiro.service.bury", down)
        letter = JobMessage(job_id="j", generation=1).model_dump_json()
        assert on_dead_letter.handler(sqs_event(letter), None) == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def _complete(stack: Stack, job_id: str) -> None:
    """Do the worker's part, with nothing but the adapters."""
    from tests.fakes import FakeTranscriber
    from tiro import service

    on_upload.handler(sqs_event(stack.put(f"uploads/ada/{job_id}", b"speech")), None)
    transcripts = wiring.transcripts(stack.settings.transcript_bucket)
    ports: dict[str, Any] = {"jobs": wiring.jobs(), "runs": wiring.runs(), "clock": wiring.clock()}
    message = JobMessage(job_id=job_id, generation=1)
    claim = service.claim(message, receives=1, transcripts=transcripts, terms=service.LeaseTerms(120, 3), **ports)
    assert isinstance(claim, service.Claim)
    service.transcribe(
        claim,
        transcriber=FakeTranscriber(make_transcript()),
        transcripts=transcripts,
        limits=stack.settings,
        on_progress=lambda done, total: None,
        **ports,
    )
