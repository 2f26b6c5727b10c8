"""The routes of uploads and batches, and the function that fetches, on a stack that moto keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.functions.conftest import Stack, sqs_event
from tests.web import HERE, body, serving, status


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
        assert (job["status"], job["problem"]["detail"]) == ("failed", "The server answered 404 Not Found.")
