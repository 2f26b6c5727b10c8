"""A call under an Idempotency-Key makes one job, however often it comes, at once or after a death."""

from __future__ import annotations

import json
import threading
from typing import Any, ClassVar

import pytest

from functions import on_upload, wiring
from tests.functions.conftest import Stack, sqs_event
from tests.functions.jobs import FAILS, KEY, end_one, header, of_s3, path, submit
from tests.house import breaks
from tiro.webhook import MOST_ENDPOINTS


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

    def die(self, stack: Stack, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Any:
        """Make a job, and die before it is answered; return what the list says of it."""
        with monkeypatch.context() as patch:
            patch.setattr("functions.api.jobs.job_reply", breaks)
            assert submit(stack, headers=self.KEY, **more)["statusCode"] == 503
        [made] = stack.call("GET", "/v1/transcriptions")["body"]["data"]
        return made

    def test_who_died_before_the_answer_made_the_job_that_is_answered(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = self.die(stack, monkeypatch)
        on_upload.handler(sqs_event(stack.put(f"uploads/ada/{made['id']}", b"speech")), None)  # it went on meanwhile
        answer = submit(stack, headers=self.KEY)
        assert (answer["statusCode"], answer["body"]["id"]) == (202, made["id"])
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 1

    def test_the_job_itself_may_fill_the_quota(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TIRO_MAX_JOBS_IN_FLIGHT", "1")
        wiring.settings.cache_clear()
        made = self.die(stack, monkeypatch)
        answer = submit(stack, headers=self.KEY)
        assert (answer["statusCode"], answer["body"]["id"]) == (202, made["id"])
        assert answer["body"]["upload"]
        assert str(header(answer, "RateLimit")).startswith('"jobs-in-flight";r=0')

    def test_its_recording_and_whom_it_tells_may_be_gone(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = stack.call("POST", "/v1/webhooks", body='{"url": "https://example.com/"}')["body"]["id"]
        body = json.dumps(json.loads(of_s3(stack)) | {"webhook": {"endpoint": endpoint}})
        made = self.die(stack, monkeypatch, body=body)
        stack.s3.delete_object(Bucket=stack.settings.media_bucket, Key=KEY)
        stack.call("DELETE", f"/v1/webhooks/{endpoint}")
        answer = submit(stack, body=body, headers=self.KEY)
        assert (answer["statusCode"], answer["body"]["id"]) == (202, made["id"])

    def test_the_last_endpoint_that_there_may_be_is_one(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        body = '{"url": "https://example.com/"}'
        for _ in range(MOST_ENDPOINTS - 1):
            stack.call("POST", "/v1/webhooks", body=body)
        with monkeypatch.context() as patch:
            patch.setattr("functions.api.webhooks.show_secret", breaks)
            assert stack.call("POST", "/v1/webhooks", body=body, headers=self.KEY)["statusCode"] == 503
        answer = stack.call("POST", "/v1/webhooks", body=body, headers=self.KEY)
        assert (answer["statusCode"], bool(answer["body"]["secret"])) == (201, True)
        known = [endpoint["id"] for endpoint in stack.call("GET", "/v1/webhooks")["body"]["data"]]
        assert len(known) == MOST_ENDPOINTS
        assert answer["body"]["id"] in known

    def test_a_retry_is_made_once_too(self, stack: Stack) -> None:
        where = path(end_one(stack, FAILS), "retry")
        first, again = (stack.call("POST", where, headers=self.KEY) for _ in range(2))
        assert first["body"]["id"] == again["body"]["id"]

    def test_a_deleted_job_is_not_told_again(self, stack: Stack) -> None:
        job_id = submit(stack, headers=self.KEY)["body"]["id"]
        stack.call("DELETE", path(job_id))
        assert submit(stack, headers=self.KEY)["statusCode"] == 410
