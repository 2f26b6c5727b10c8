"""The routes of uploads and batches, and the function that fetches, on a stack that moto keeps."""

from __future__ import annotations

import json
import threading
from typing import Any, ClassVar

import pytest

from functions import wiring
from tests.functions.conftest import Stack, sqs_event
from tests.functions.container_worker import Hears, work
from tests.functions.jobs import JOBS, ask
from tests.house import breaks
from tests.web import HERE, body, serving, status
from tiro.adapters.sqs import SQSFetchQueue


def submit(stack: Stack, source: dict[str, Any]) -> Any:
    return stack.call("POST", "/v1/transcriptions", body=json.dumps({"source": source}))


def test_a_large_upload_comes_in_parts(stack: Stack) -> None:
    answer = submit(stack, {"upload": {"size": 120_000_000}})
    assert answer["statusCode"] == 202
    job_id, upload = answer["body"]["id"], answer["body"]["upload"]
    assert upload["url"] is None
    assert (upload["multipart"]["parts"], len(upload["multipart"]["urls"])) == (8, 8)
    at = f"/v1/transcriptions/{job_id}/upload"
    assert stack.call("GET", at)["body"]["sent"] == []
    again = stack.call("POST", f"{at}/parts", body='{"numbers": [8]}')
    assert (again["statusCode"], again["body"]["urls"][0]["size"]) == (200, 120_000_000 - 7 * 16777216)
    early = stack.call("POST", f"{at}/complete", body="{}")
    assert (early["statusCode"], early["body"]["errors"][0]["pointer"]) == (422, "/parts")
    assert stack.call("GET", at, owner="ben")["statusCode"] == 404


def test_what_comes_at_once_has_no_parts(stack: Stack) -> None:
    job_id = submit(stack, {"upload": {"size": 5}})["body"]["id"]
    answer = stack.call("GET", f"/v1/transcriptions/{job_id}/upload")
    assert (answer["statusCode"], answer["body"]["code"]) == (409, "no_upload_open")


def test_a_batch_and_how_far_it_is(stack: Stack) -> None:
    sources = [{"upload": {}}, {"url": "https://media.example/a.mp3"}, {"url": "http://10.0.0.1/"}]
    made = stack.call("POST", "/v1/batches", body=json.dumps({"sources": sources}))
    assert made["statusCode"] == 202
    assert [(item["problem"] or {}).get("code") for item in made["body"]["results"]] == [None, None, "address_refused"]
    at = f"/v1/batches/{made['body']['id']}"
    assert made["multiValueHeaders"]["Location"] == [at]
    found = stack.call("GET", at)["body"]
    assert (found["counts"]["awaiting_media"], found["refused"], found["done"]) == (2, 1, False)
    assert stack.call("GET", at, owner="ben")["statusCode"] == 404


@pytest.mark.parametrize("there", [True, False])
def test_a_url_is_fetched_or_its_job_says_why_not(stack: Stack, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setenv("TIRO_ALLOW_NETWORKS", HERE)
    from functions.on_fetch import handler

    with serving() as site:
        site.pages["/a.ogg"] = body(b"speech", content_type="audio/ogg") if there else status(404)
        job_id = submit(stack, {"url": site.url("/a.ogg")})["body"]["id"]
        message = {"job_id": job_id, "round": 1}
        assert handler(sqs_event(json.dumps(message)), None) == {"batchItemFailures": []}
    job = stack.call("GET", f"/v1/transcriptions/{job_id}")["body"]
    if there:
        found = stack.s3.get_object(Bucket=stack.settings.media_bucket, Key=f"uploads/ada/{job_id}")
        assert (found["Body"].read(), found["ContentType"], job["problem"]) == (b"speech", "audio/ogg", None)
    else:
        assert (job["status"], job["problem"]["detail"]) == (
            "failed",
            "The server answered 404 Not Found. Check the URL: the server has no file there, or no longer.",
        )


def header(answer: Any, name: str) -> list[str] | None:
    found: list[str] | None = answer["multiValueHeaders"].get(name)
    return found


def test_a_batch_that_was_made_needs_nothing_more_to_be_answered(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.api.batches.reopen", breaks)
    sources = [{"upload": {}}, {"url": "https://media.example/a.mp3"}]
    made = stack.call("POST", "/v1/batches", body=json.dumps({"sources": sources}))
    assert (made["statusCode"], made["body"]["accepted"]) == (202, 2)
    assert [bool(item["upload"]) for item in made["body"]["results"]] == [True, False]


class TestBatchOnce:
    BODY = json.dumps(
        {"sources": [{"upload": {}}, {"url": "https://media.example/a.mp3"}, {"url": "http://10.0.0.1/"}]}
    )
    KEY: ClassVar = {"Idempotency-Key": "batch-1"}

    def submit(self, stack: Stack, body: str = BODY) -> Any:
        return stack.call("POST", "/v1/batches", body=body, headers=self.KEY)

    def test_the_same_call_makes_one_batch(self, stack: Stack) -> None:
        first, again = self.submit(stack), self.submit(stack)
        assert header(again, "Location") == header(first, "Location")
        for made in (first["body"], again["body"]):
            upload = made["results"][0].pop("upload")
            assert upload["url"].startswith("https://")
        assert again["body"] == first["body"]
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 2
        other = self.submit(stack, body=json.dumps({"sources": [{"upload": {}}]}))
        assert (other["statusCode"], other["body"]["code"]) == (422, "idempotency_key_reused")

    def test_of_many_at_once_one_makes_a_batch(self, stack: Stack) -> None:
        answers: list[Any] = []
        threads = [threading.Thread(target=lambda: answers.append(self.submit(stack))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {answer["statusCode"] for answer in answers} <= {202, 409}
        assert len({answer["body"]["id"] for answer in answers if answer["statusCode"] == 202}) == 1
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 2

    def test_who_died_before_the_answer_made_the_batch_that_is_answered(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("functions.api.batches._location", breaks)
            assert self.submit(stack)["statusCode"] == 503
        made = self.submit(stack)
        assert (made["statusCode"], made["body"]["accepted"]) == (202, 2)
        assert made["body"]["results"][0]["upload"]["url"].startswith("https://")
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 2

    def test_what_died_half_way_goes_on_whatever_its_own_jobs_use_up(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TIRO_MAX_JOBS_IN_FLIGHT", "2")
        wiring.settings.cache_clear()
        endpoint = stack.call("POST", "/v1/webhooks", body='{"url": "https://example.com/"}')["body"]["id"]
        sources = [{"upload": {}}, {"url": "https://media.example/a.mp3"}]
        body = json.dumps({"sources": sources, "webhook": {"endpoint": endpoint}})
        with monkeypatch.context() as patch:
            patch.setattr("functions.api.batches._location", breaks)
            patch.setattr(SQSFetchQueue, "send", breaks)
            assert self.submit(stack, body)["statusCode"] == 503
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 1
        stack.call("DELETE", f"/v1/webhooks/{endpoint}")
        made = self.submit(stack, body)
        assert (made["statusCode"], made["body"]["accepted"]) == (202, 2)
        assert len(stack.call("GET", "/v1/transcriptions")["body"]["data"]) == 2

    def test_a_thousand_answers_can_be_kept(self, stack: Stack) -> None:
        """An item of the table has 400 KB at most, and moto says so too."""
        sources = [{"url": f"http://10.0.0.{n % 250}/"} for n in range(1000)]
        for _ in range(2):
            made = self.submit(stack, body=json.dumps({"sources": sources}))
            assert (made["statusCode"], made["body"]["refused"]) == (202, 1000)


def test_a_prefix_is_a_batch(stack: Stack) -> None:
    for name in ("a.mp3", "b/c.mp3"):
        stack.put(f"inbox/ada/{name}", b"speech")
    prefix = f"s3://{stack.settings.media_bucket}/inbox/ada/"
    made = stack.call("POST", "/v1/batches", body=json.dumps({"prefix": prefix}))
    assert made["statusCode"] == 202
    assert [item["source"] for item in made["body"]["results"]] == [f"{prefix}a.mp3", f"{prefix}b/c.mp3"]
    assert made["body"]["next_cursor"] is None
    found = stack.call("GET", f"/v1/batches/{made['body']['id']}")["body"]
    assert (found["counts"]["queued"], found["sources"]) == (2, 2)
    refused = stack.call("POST", "/v1/batches", owner="ben", body=json.dumps({"prefix": prefix}))
    assert (refused["statusCode"], refused["body"]["code"]) == (403, "source_forbidden")


def test_a_recording_in_a_bucket_of_one_s_own(stack: Stack, archive: str) -> None:
    stack.s3.put_object(Bucket=archive, Key="ada/a.mp3", Body=b"speech")
    job_id = ask(stack, s3=f"s3://{archive}/ada/a.mp3")
    assert stack.call("GET", f"{JOBS}/{job_id}/media")["statusCode"] == 200
    work(stack, Hears())
    made = stack.call("POST", "/v1/batches", body=json.dumps({"prefix": f"s3://{archive}/ada/"}))
    assert made["body"]["accepted"] == 1
    stack.s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
    stack.s3.put_object(Bucket=archive, Key="ada/b.mp3", Body=b"speech")
    kept = ask(stack, s3=f"s3://{archive}/ada/b.mp3")
    assert stack.call("GET", f"{JOBS}/{kept}/media")["statusCode"] == 200


def test_what_was_uploaded_may_be_a_batch_too(stack: Stack) -> None:
    stack.put("uploads/ada/a", b"speech")
    prefix = f"s3://{stack.settings.media_bucket}/uploads/ada/"
    assert stack.call("POST", "/v1/batches", body=json.dumps({"prefix": prefix}))["body"]["accepted"] == 1
