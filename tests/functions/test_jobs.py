"""Jobs by HTTP: listed, waited for, cancelled, deleted, tried again, and made once however often one asks."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import requests

from functions import on_upload, wiring
from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.fakes_checkpoints import stretch_of
from tests.functions.conftest import Stack, sqs_event
from tests.functions.working import work, worker
from tiro import service
from tiro.adapters import aws
from tiro.checkpoint import Written
from tiro.errors import NotAudio, ServiceUnavailable
from tiro.job import JobStatus
from tiro.message import JobMessage

UPLOAD = '{"source": {"upload": {}}}'
HEARS = FakeTranscriber(make_transcript())
FAILS = FakeTranscriber(NotAudio("A text."))


def header(answer: Any, name: str) -> str | None:
    values = answer["multiValueHeaders"].get(name)
    return values[0] if values else None


def submit(stack: Stack, **more: Any) -> Any:
    return stack.call("POST", "/v1/transcriptions", **({"body": UPLOAD} | more))


def queue_one(stack: Stack) -> str:
    job_id = str(submit(stack)["body"]["id"])
    on_upload.handler(sqs_event(stack.put(f"uploads/ada/{job_id}", b"speech")), None)
    return job_id


def end_one(stack: Stack, transcriber: FakeTranscriber = HEARS) -> str:
    job_id = queue_one(stack)
    while work(transcriber, stack.settings):
        pass
    return job_id


def path(job_id: str, *more: str) -> str:
    return "/".join(["/v1/transcriptions", job_id, *more])


def of_s3(stack: Stack) -> str:
    stack.put("inbox/ada/a.mp3", b"speech")
    return json.dumps({"source": {"s3": f"s3://{stack.settings.media_bucket}/inbox/ada/a.mp3"}})


class TestList:
    def test_pages_lead_to_each_other(self, stack: Stack) -> None:
        made = [submit(stack)["body"]["id"] for _ in range(3)]
        submit(stack, owner="bob")
        first = stack.call("GET", "/v1/transcriptions", limit="2")
        assert first["statusCode"] == 200
        assert {job["id"] for job in first["body"]["data"]} <= set(made)
        cursor = first["body"]["next_cursor"]
        assert header(first, "Link") == f'</v1/transcriptions?limit=2&cursor={cursor}>; rel="next"'
        second = stack.call("GET", "/v1/transcriptions", limit="2", cursor=cursor)
        assert sorted(job["id"] for page in (first, second) for job in page["body"]["data"]) == sorted(made)
        assert (second["body"]["next_cursor"], header(second, "Link")) == (None, None)

    def test_another_owner_s_cursor_is_refused(self, stack: Stack) -> None:
        for owner in ("ada", "ada", "bob"):
            submit(stack, owner=owner)
        cursor = stack.call("GET", "/v1/transcriptions", limit="1")["body"]["next_cursor"]
        answer = stack.call("GET", "/v1/transcriptions", owner="bob", limit="1", cursor=cursor)
        assert (answer["statusCode"], answer["body"]["code"]) == (422, "invalid_request")


class TestEnds:
    def test_cancelled_stays_cancelled(self, stack: Stack) -> None:
        job_id = queue_one(stack)
        for _ in range(2):
            answer = stack.call("POST", path(job_id, "cancel"))
            assert (answer["statusCode"], answer["body"]["status"]) == (200, "cancelled")
        assert work(HEARS, stack.settings), "the message is a leftover"
        assert stack.call("GET", path(job_id))["body"]["status"] == "cancelled"
        assert stack.call("POST", path(job_id, "cancel"), owner="bob")["statusCode"] == 404

    def test_what_is_completed_is_not_cancelled(self, stack: Stack) -> None:
        answer = stack.call("POST", path(end_one(stack), "cancel"))
        assert (answer["statusCode"], answer["body"]["code"]) == (409, "job_finished")

    def test_deleted_is_gone_for_its_owner_and_was_never_there_for_others(self, stack: Stack) -> None:
        job_id = end_one(stack)
        assert stack.call("DELETE", path(job_id), owner="bob")["statusCode"] == 404
        for _ in range(2):
            assert stack.call("DELETE", path(job_id))["statusCode"] == 204
        for method, where in (
            ("GET", path(job_id)),
            ("GET", path(job_id, "transcript")),
            ("POST", path(job_id, "retry")),
        ):
            answer = stack.call(method, where)
            assert (answer["statusCode"], answer["body"]["code"]) == (410, "job_gone")
        assert stack.call("GET", path(job_id), owner="bob")["body"]["code"] == "job_not_found"
        assert stack.call("GET", "/v1/transcriptions")["body"]["data"] == []
        media = stack.s3.list_object_versions(Bucket=stack.settings.media_bucket, Prefix="uploads/")
        assert not [*media.get("Versions", []), *media.get("DeleteMarkers", [])]
        assert stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket)["KeyCount"] == 0

    def test_a_failed_job_is_tried_again(self, stack: Stack) -> None:
        job_id = end_one(stack, FAILS)
        answer = stack.call("POST", path(job_id, "retry"))
        assert answer["statusCode"] == 202
        again = answer["body"]
        assert (again["status"], again["retry_of"]) == ("queued", job_id)
        assert header(answer, "Location") == path(again["id"])
        while work(HEARS, stack.settings):
            pass
        assert stack.call("GET", path(again["id"]))["body"]["status"] == "completed"
        assert stack.call("POST", path(again["id"], "retry"))["body"]["code"] == "not_retryable"


class TestConditional:
    def test_a_job_that_did_not_change_is_not_told_again(self, stack: Stack) -> None:
        job_id = queue_one(stack)
        first = stack.call("GET", path(job_id))
        tag = header(first, "ETag")
        assert tag
        submit(stack)  # one more of its owner's in flight
        for asked in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
            same = stack.call("GET", path(job_id), headers={"If-None-Match": asked})
            assert (same["statusCode"], same["body"], header(same, "ETag")) == (304, "", tag)
            assert "Content-Type" not in same["multiValueHeaders"]
        stack.call("POST", path(job_id, "cancel"))
        changed = stack.call("GET", path(job_id), headers={"If-None-Match": tag})
        assert (changed["statusCode"], changed["body"]["status"]) == (200, "cancelled")

    def test_a_transcript_is_told_once_in_each_format(self, stack: Stack) -> None:
        where = path(end_one(stack), "transcript")
        tags = {form: header(stack.call("GET", where, format=form), "ETag") for form in ("txt", "vtt", "json")}
        assert len(set(tags.values())) == 3
        for form, tag in tags.items():
            assert tag
            answer = stack.call("GET", where, format=form, headers={"If-None-Match": tag})
            assert (answer["statusCode"], answer["body"]) == (304, "")
        other = stack.call("GET", where, format="vtt", headers={"If-None-Match": str(tags["txt"])})
        assert other["statusCode"] == 200


class TestWait:
    def test_the_answer_comes_with_the_end(self, stack: Stack) -> None:
        job_id = queue_one(stack)
        with worker(HEARS, stack.settings):
            answer = stack.call("GET", path(job_id), headers={"Prefer": "respond-async, wait=20"})
        assert (answer["body"]["status"], header(answer, "Preference-Applied")) == ("completed", "wait=20")

    def test_or_when_the_time_is_over(self, stack: Stack) -> None:
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=1"})
        assert (answer["body"]["status"], header(answer, "Preference-Applied")) == ("queued", "wait=1")

    def test_nobody_waits_longer_than_20_seconds(self, stack: Stack) -> None:
        answer = stack.call("GET", path(end_one(stack)), headers={"Prefer": 'wait="99999"'})
        assert header(answer, "Preference-Applied") == "wait=20"

    @pytest.mark.parametrize("prefer", ["", "wait", "wait=", "wait=-1", "wait=0", "return=minimal", "wait=1e3"])
    def test_other_preferences_are_none(self, stack: Stack, prefer: str) -> None:
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": prefer})
        assert (answer["statusCode"], header(answer, "Preference-Applied")) == (200, None)

    def test_without_a_seat_the_answer_comes_at_once(self, stack: Stack) -> None:
        now = wiring.clock().now()
        room = wiring.waiting_room()
        while room.enter(now=now, until=now + timedelta(hours=1)) is not None or _free(stack):
            pass
        answer = stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], header(answer, "Preference-Applied")) == (200, None)

    def test_a_seat_is_given_back(self, stack: Stack) -> None:
        stack.call("GET", path(queue_one(stack)), headers={"Prefer": "wait=1"})
        assert _free(stack) == stack.settings.max_waiters

    def test_a_submission_may_wait_for_its_end(self, stack: Stack) -> None:
        with worker(HEARS, stack.settings):
            answer = submit(stack, body=of_s3(stack), headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], answer["body"]["status"]) == (200, "completed")
        assert header(answer, "Location") == path(answer["body"]["id"])
        assert header(answer, "Preference-Applied") == "wait=20"

    def test_whoever_must_upload_first_does_not_wait(self, stack: Stack) -> None:
        answer = submit(stack, headers={"Prefer": "wait=20"})
        assert (answer["statusCode"], header(answer, "Preference-Applied")) == (202, None)


def _free(stack: Stack) -> int:
    items = aws.dynamodb_client().scan(TableName=stack.settings.table)["Items"]
    taken = [item for item in items if item["pk"]["S"].startswith("waiting#")]
    return stack.settings.max_waiters - len(taken)


class TestIdempotency:
    KEY: ClassVar = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}

    def test_the_same_call_makes_one_job(self, stack: Stack) -> None:
        body = of_s3(stack)
        first = submit(stack, body=body, headers=self.KEY)
        again = submit(stack, body=body, headers={"Idempotency-Key": self.KEY["Idempotency-Key"].strip('"')})
        assert first["statusCode"] == 202
        for part in ("statusCode", "body"):
            assert again[part] == first[part]
        assert header(again, "Location") == header(first, "Location")
        assert header(again, "Content-Type") == "application/json"
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 1

    def test_a_repeated_upload_is_signed_anew_while_it_is_awaited(self, stack: Stack) -> None:
        first = submit(stack, headers=self.KEY)["body"]
        again = submit(stack, headers=self.KEY)["body"]
        assert again["upload"]["expires_at"] >= first["upload"]["expires_at"]
        assert again | {"upload": None} == first | {"upload": None}

    def test_a_key_is_one_call_s_and_one_owner_s(self, stack: Stack) -> None:
        submit(stack, headers=self.KEY)
        other = submit(stack, body='{"source": {"upload": {}}, "language": "fr"}', headers=self.KEY)
        assert (other["statusCode"], other["body"]["code"]) == (422, "idempotency_key_reused")
        assert submit(stack, owner="bob", headers=self.KEY)["statusCode"] == 202

    def test_a_refused_call_uses_no_key_up(self, stack: Stack) -> None:
        assert submit(stack, body="{", headers=self.KEY)["statusCode"] == 400
        assert submit(stack, headers=self.KEY)["statusCode"] == 202
        assert submit(stack, headers={"Idempotency-Key": '""'})["statusCode"] == 422

    def test_of_many_at_once_one_makes_a_job(self, stack: Stack) -> None:
        answers: list[Any] = []
        threads = [
            threading.Thread(target=lambda: answers.append(submit(stack, headers=self.KEY)["statusCode"]))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {202, 409}
        assert 202 in answers
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 1

    def test_who_died_before_the_answer_made_the_job_that_is_answered(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dies(*_: object) -> None:
            raise ServiceUnavailable

        with monkeypatch.context() as patch:
            patch.setattr("functions.api.jobs.job_reply", dies)
            assert submit(stack, headers=self.KEY)["statusCode"] == 503
        [made] = stack.call("GET", "/v1/transcriptions")["body"]["data"]
        on_upload.handler(sqs_event(stack.put(f"uploads/ada/{made['id']}", b"speech")), None)  # it went on meanwhile
        answer = submit(stack, headers=self.KEY)
        assert (answer["statusCode"], answer["body"]["id"]) == (202, made["id"])
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 1

    def test_a_retry_is_made_once_too(self, stack: Stack) -> None:
        where = path(end_one(stack, FAILS), "retry")
        first, again = (stack.call("POST", where, headers=self.KEY) for _ in range(2))
        assert first["body"]["id"] == again["body"]["id"]

    def test_a_deleted_job_is_not_told_again(self, stack: Stack) -> None:
        job_id = submit(stack, headers=self.KEY)["body"]["id"]
        stack.call("DELETE", path(job_id))
        assert submit(stack, headers=self.KEY)["statusCode"] == 410


class TestQuota:
    def test_what_is_left_is_told_and_what_is_too_much_is_refused(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TIRO_MAX_JOBS_IN_FLIGHT", "2")
        wiring.settings.cache_clear()
        first = submit(stack)
        assert header(first, "RateLimit-Policy") == '"jobs-in-flight";q=2, "audio-seconds";q=3600000;w=86400'
        assert str(header(first, "RateLimit")).startswith('"jobs-in-flight";r=1, "audio-seconds";r=3600000;t=')
        second = submit(stack)
        refused = submit(stack)
        assert (refused["statusCode"], refused["body"]["code"]) == (429, "quota_exceeded")
        assert refused["body"]["retryable"]
        assert header(refused, "Retry-After") == "30"
        assert str(header(refused, "RateLimit")).startswith('"jobs-in-flight";r=0')
        assert submit(stack, owner="bob")["statusCode"] == 202
        stack.call("POST", path(second["body"]["id"], "cancel"))
        assert submit(stack)["statusCode"] == 202

    def test_a_job_tells_how_many_of_one_s_own_may_come_before_it(self, stack: Stack) -> None:
        queue_one(stack)
        job = stack.call("GET", path(queue_one(stack)))["body"]
        assert job["own_jobs_ahead"] == 1
        assert job["estimated_wait_seconds"] is None

    def test_and_how_long_it_may_wait_once_somebody_worked(self, stack: Stack) -> None:
        queue_one(stack)
        job_id = queue_one(stack)
        wiring.pace().note(4.0, at=wiring.clock().now())
        job = stack.call("GET", path(job_id))["body"]
        assert (job["estimated_wait_seconds"], bool(job["estimated_wait_basis"])) == (4.0, True)


def test_what_a_job_tells_at_its_end(stack: Stack) -> None:
    submitted = submit(stack, body='{"source": {"upload": {}}, "metadata": {"order": "7"}}')["body"]
    on_upload.handler(sqs_event(stack.put(f"uploads/ada/{submitted['id']}", b"speech")), None)
    work(HEARS, stack.settings)
    job = stack.call("GET", path(submitted["id"]))["body"]
    assert job["status"] == JobStatus.COMPLETED
    assert job["metadata"] == {"order": "7"}
    assert job["lineage"]["model"] == "base"
    assert job["lineage"]["media_etag"]
    assert job["timings"]["processing_ms"] >= 0
    assert job["cost_usd"] is None


class TestHeardSoFar:
    def claim(self, stack: Stack) -> service.Claim:
        queue_one(stack)
        received = wiring.queue(stack.settings.queue_url, "").receive(wait_seconds=0)
        assert received
        claim = service.claim(
            JobMessage.parse(received.body),
            receives=1,
            jobs=wiring.jobs(),
            runs=wiring.runs(),
            transcripts=wiring.transcripts(stack.settings.transcript_bucket),
            clock=wiring.clock(),
            terms=service.LeaseTerms(120, 3),
        )
        assert isinstance(claim, service.Claim)
        return claim

    def hear(self, claim: service.Claim, *numbers: int) -> service.Notebook:
        notebook = service.Notebook(claim.job, claim.run, store=wiring.checkpoints(), clock=wiring.clock())
        notebook.note = lambda trail: wiring.runs().renew(
            claim.job.id, claim.run.model_copy(update={"checkpoint": trail})
        )
        for number in numbers:
            notebook.add(stretch_of(number))
            notebook.write()
        return notebook

    def test_it_is_told_while_a_worker_hears_and_when_it_gave_the_job_back(self, stack: Stack) -> None:
        claim = self.claim(stack)
        assert stack.call("GET", path(claim.job.id))["body"]["partial"] is None
        notebook = self.hear(claim, 0, 1, 2)
        partial = {"text": "0 1 2", "is_whole": True, "end_seconds": 30.0}
        assert stack.call("GET", path(claim.job.id))["body"]["partial"] == partial
        service.give_back(claim, counted=False, runs=wiring.runs(), checkpoint=notebook.trail)
        assert stack.call("GET", path(claim.job.id))["body"]["partial"] == partial

    def test_it_is_deleted_with_its_job(self, stack: Stack) -> None:
        claim = self.claim(stack)
        self.hear(claim, 0, 1)
        assert stack.call("DELETE", path(claim.job.id))["statusCode"] == 204
        assert not service.Notebook(
            claim.job,
            claim.run.model_copy(update={"checkpoint": (Written(attempt=claim.run.attempt, parts=1),)}),
            store=wiring.checkpoints(),
            clock=wiring.clock(),
        ).stretches


class TestMedia:
    def test_a_recording_is_played_by_whoever_has_its_address(self, stack: Stack) -> None:
        job_id = end_one(stack)
        answer = stack.call("GET", path(job_id, "media"))
        assert answer["statusCode"] == 200
        assert requests.get(answer["body"]["url"], timeout=5).content == b"speech"
        assert stack.call("GET", path(job_id, "media"), owner="bob")["statusCode"] == 404

    def test_before_it_came_there_is_none(self, stack: Stack) -> None:
        answer = stack.call("GET", path(submit(stack)["body"]["id"], "media"))
        assert (answer["statusCode"], answer["body"]["code"]) == (404, "media_not_found")

    def test_a_page_that_was_sent_as_a_recording_is_not_shown_as_one(self, stack: Stack) -> None:
        job_id = str(submit(stack)["body"]["id"])
        event = stack.put(f"uploads/ada/{job_id}", b"<script>")
        stack.s3.put_object(
            Bucket=stack.settings.media_bucket, Key=f"uploads/ada/{job_id}", Body=b"<script>", ContentType="text/html"
        )
        on_upload.handler(sqs_event(event.replace('"versionId"', '"ignored"')), None)
        answer = stack.call("GET", path(job_id, "media"))
        assert answer["body"]["content_type"] == "application/octet-stream"
        played = requests.get(answer["body"]["url"], timeout=5)
        assert played.headers["Content-Type"] == "application/octet-stream"
