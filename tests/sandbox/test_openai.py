"""OpenAI's own SDK against the running sandbox: the gateway's base64, real S3 events, real Whisper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import httpx
import openai
import pytest
from openai import OpenAI
from pysubs2 import SSAFile

from sandbox.up import SAMPLE
from tests.factories import make_segment, make_transcript
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack, error_rate
from tests.tolerance import MOST_WRONG
from tiro.client import Client
from tiro.key import new_key

pytestmark = [pytest.mark.sandbox, pytest.mark.model]


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.env['TIRO_API_URL']}/v1", api_key=stack.env["TIRO_API_KEY"]) as client:
        yield client


def uploads(stack: Stack) -> int:
    return int(stack.s3.list_objects_v2(Bucket=stack.media, Prefix="uploads/").get("KeyCount", 0))


def test_a_recording_is_heard_once_and_told_in_every_shape(stack: Stack, client: OpenAI) -> None:
    before = uploads(stack)
    create = client.audio.transcriptions.create
    brief = create(model="whisper-1", file=SAMPLE)
    assert error_rate(brief.text) <= MOST_WRONG
    text = create(model="whisper-1", file=SAMPLE, response_format="text")
    assert text.strip() == brief.text
    for form in ("srt", "vtt"):
        subtitles = create(model="whisper-1", file=SAMPLE, response_format=form)
        assert error_rate(" ".join(e.plaintext for e in SSAFile.from_string(subtitles, format_=form))) <= MOST_WRONG
    verbose = create(model="whisper-1", file=SAMPLE, response_format="verbose_json", temperature=0)
    assert verbose.language == "english"
    assert verbose.segments
    assert verbose.segments[-1].end <= verbose.duration
    assert uploads(stack) - before == 1


def test_what_a_caller_wishes_for_is_heard(stack: Stack, client: OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=SAMPLE,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        prompt="Tyro was the scribe of Kikero.",
        temperature=0,
    )
    assert "Tyro" in answer.text
    assert answer.words
    assert answer.segments
    assert " ".join(word.word for word in answer.words) == answer.text
    assert all(0 <= a.start <= a.end <= b.start <= b.end <= answer.duration for a, b in pairwise(answer.words))
    jobs = stack.call("GET", "transcriptions?status=completed").json()["data"]
    found = stack.call("GET", f"transcriptions/{jobs[0]['id']}/transcript?format=transcribe").json()
    assert "Tyro" in [item["alternatives"][0]["content"] for item in found["results"]["items"]]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # the SDK's own view of its method
def test_what_is_english_is_translated_to_itself(client: OpenAI) -> None:
    answer = client.audio.translations.create(model="whisper-1", file=SAMPLE)
    assert error_rate(answer.text) <= MOST_WRONG


def test_the_models_are_listed(client: OpenAI) -> None:
    assert "base" in [model.id for model in client.models.list()]
    assert [client.models.retrieve(name).id for name in ("base", "whisper-1")] == ["base", "whisper-1"]
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt-4o' here"):
        client.models.retrieve("gpt-4o")


def test_what_is_wrong_raises_what_its_users_catch(stack: Stack, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(model="whisper-1", file=("a.txt", b"this is no recording"))
    assert refused.value.code == "not_audio"
    with pytest.raises(openai.NotFoundError, match=r"is not deployed here\. Name 'whisper-1' or 'base'"):
        client.audio.transcriptions.create(model="gpt-4o-transcribe", file=SAMPLE)
    stranger = client.with_options(api_key=new_key(bytes(32)))
    with pytest.raises(openai.AuthenticationError) as kept_out:
        stranger.audio.transcriptions.create(model="whisper-1", file=SAMPLE)
    assert kept_out.value.code == "unauthorized"  # by the gateway, whose shape the SDK can read too
    assert "Send 'Authorization: Bearer tiro_...'" in str(kept_out.value)
    with pytest.raises(openai.NotFoundError) as nowhere:
        client.files.list()
    assert "There is no such route" in str(nowhere.value)
    assert nowhere.value.code == "route_not_found"


def test_a_large_transcript_is_read_from_its_bucket(stack: Stack) -> None:
    job = stack.upload(SAMPLE.read_bytes())
    [stored] = stack.s3.list_objects_v2(Bucket=stack.transcripts, Prefix=f"transcripts/me/{job['id']}/")["Contents"]
    large = make_transcript(make_segment("a" * 6_000_000, words=()))
    stack.s3.put_object(Bucket=stack.transcripts, Key=stored["Key"], Body=large.model_dump_json().encode())
    answer = stack.call("GET", f"transcriptions/{job['id']}/transcript?format=txt")
    assert answer.status_code == 303
    assert httpx.get(answer.headers["Location"]).text == "a" * 6_000_000 + "\n"
    with Client(stack.env["TIRO_API_URL"], stack.env["TIRO_API_KEY"]) as tiro:
        assert tiro.transcript(job["id"]) == "a" * 6_000_000 + "\n"
    assert stack.call("GET", f"transcriptions/{job['id']}/transcript?format=srt&max_lines=0").status_code == 422
