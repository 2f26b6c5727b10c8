"""A transcript as it is asked for: by name, by `Accept`, by rules, and from elsewhere when it is large."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pysubs2 import SSAFile

from functions import on_upload
from tests.factories import make_segment, make_transcript
from tests.fakes import FakeTranscriber
from tests.functions.conftest import Stack, sqs_event
from tests.functions.working import work
from tiro.transcript import Transcript

HEARD = make_transcript(
    make_segment("Dictate, and it is written.", words=()), make_segment("By whom?", start=3.0, words=())
)


class Reader:
    def __init__(self, stack: Stack, heard: Transcript = HEARD) -> None:
        self.stack = stack
        job = stack.call("POST", "/v1/transcriptions", body='{"source": {"upload": {}}}')["body"]
        on_upload.handler(sqs_event(stack.put(f"uploads/ada/{job['id']}", b"speech")), None)
        assert work(FakeTranscriber(heard), stack.settings)
        self.job_id, self.path = job["id"], f"/v1/transcriptions/{job['id']}/transcript"

    def read(self, accept: str | None = None, **query: Any) -> Any:
        return self.stack.call("GET", self.path, accept=accept, **query)


@pytest.fixture
def reader(stack: Stack) -> Reader:
    return Reader(stack)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("text/vtt", "text/vtt"),
        ("application/x-subrip", "application/x-subrip"),
        ("text/plain", "text/plain"),
        ("text/tab-separated-values", "text/tab-separated-values"),
        ("image/*, application/json;q=0.1", "application/json"),
    ],
)
def test_accept_chooses_where_no_format_is_named(reader: Reader, accept: str | None, media_type: str) -> None:
    answer = reader.read(accept)
    assert answer["statusCode"] == 200
    assert answer["multiValueHeaders"]["Content-Type"] == [f"{media_type}; charset=utf-8"]
    assert answer["multiValueHeaders"]["Vary"] == ["Accept"]


def test_what_cannot_be_had_is_a_problem(reader: Reader) -> None:
    answer = reader.read("image/png")
    assert (answer["statusCode"], answer["body"]["code"]) == (406, "format_not_acceptable")
    assert reader.read("image/png", format="txt")["statusCode"] == 200


def test_rules_are_kept_and_wrong_ones_named(reader: Reader) -> None:
    found = SSAFile.from_string(reader.read(format="srt", max_chars_per_line="12", max_lines="1")["body"])
    assert max(len(event.text) for event in found) <= 12
    refused = reader.read(format="srt", max_lines="none")
    assert (refused["statusCode"], refused["body"]["errors"][0]["pointer"]) == (422, "/max_lines")


def test_amazon_s_names_the_job_and_the_account(reader: Reader) -> None:
    answer = reader.read(format="transcribe")["body"]
    assert (answer["jobName"], answer["accountId"]) == (reader.job_id, "123456789012")


def test_words_that_were_not_timed_are_not_told_as_none(reader: Reader) -> None:
    assert reader.read(format="verbose_json")["statusCode"] == 200
    refused = reader.read(format="verbose_json", timestamp_granularities="word")
    assert (refused["statusCode"], refused["body"]["errors"][0]["pointer"]) == (422, "/timestamp_granularities")


@pytest.mark.parametrize(("text", "status"), [("a" * 4_900_000, 200), ("a" * 5_000_000, 303), ("я" * 850_000, 303)])
def test_a_large_one_is_lent(stack: Stack, text: str, status: int) -> None:
    """Cyrillic grows threefold on its way out of a Lambda."""
    reader = Reader(stack, make_transcript(make_segment(text, words=())))
    answer = reader.read(format="txt")
    assert answer["statusCode"] == status
    if status == 303:
        [url] = answer["multiValueHeaders"]["Location"]
        assert f"renderings/ada/{reader.job_id}/" in url
        assert "X-Amz-Signature" in url
        [found] = stack.s3.list_objects_v2(Bucket=stack.settings.transcript_bucket, Prefix="renderings/")["Contents"]
        lent = stack.s3.get_object(Bucket=stack.settings.transcript_bucket, Key=found["Key"])
        assert lent["Body"].read().decode() == f"{text}\n"
        assert lent["ContentType"] == "text/plain; charset=utf-8"
        assert not answer["body"]
        assert len(json.dumps(answer)) < 10_000
    else:
        assert answer["body"] == f"{text}\n"
