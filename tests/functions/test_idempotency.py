"""A call under an Idempotency-Key makes one job, however often it comes, at once or after a death."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest

from functions import on_upload
from tests.functions.conftest import Stack, sqs_event
from tests.functions.jobs import FAILS, end_one, header, of_s3, path, submit
from tiro.errors import ServiceUnavailable


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
