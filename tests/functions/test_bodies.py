"""A body or an option that comes in another way than the route reads is told the right one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functions.conftest import Stack

JOBS = "/v1/transcriptions"
READS_JSON = (JOBS, "/v1/batches", "/v1/webhooks")


def post(stack: Stack, where: str, content_type: str, body: str, **query: str) -> Any:
    return stack.call("POST", where, body=body, headers={"Content-Type": content_type}, **query)


@pytest.mark.parametrize("where", READS_JSON)
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=b", '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'),
        ("Multipart/Form-Data", "--b--"),
        ("application/x-www-form-urlencoded", "audio_url=https%3A%2F%2Fx.test&language=en"),
        ("audio/wav", "RIFF"),
        ("application/octet-stream", "RIFF"),
        ("application/xml", "<source/>"),
    ],
)
def test_what_is_no_json_is_told_to_be(stack: Stack, where: str, content_type: str, body: str) -> None:
    answer = post(stack, where, content_type, body)
    assert (answer["statusCode"], answer["body"]["code"]) == (415, "unsupported_media_type")
    assert "Content-Type: application/json" in answer["body"]["detail"]
    if content_type != "application/xml":
        assert "POST /v1/audio/transcriptions" in answer["body"]["detail"]


def test_json_is_read_whatever_it_is_called(stack: Stack) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "", "application/vnd.api+json"):
        assert post(stack, JOBS, content_type, ' {"source": {"upload": {}}}')["statusCode"] == 202


def test_json_called_a_form_is_still_told_where_it_breaks(stack: Stack) -> None:
    answer = post(stack, JOBS, "application/x-www-form-urlencoded", '{"source": {"upload": {}}')
    assert (answer["statusCode"], answer["body"]["code"]) == (400, "malformed_body")
    assert "line 1, column 26" in answer["body"]["detail"]


def test_options_in_the_query_are_not_ignored(stack: Stack) -> None:
    body = '{"source": {"upload": {}}}'
    answer = post(stack, JOBS, "application/json", body, language="en", diarize="true")
    assert (answer["statusCode"], answer["body"]["code"]) == (422, "invalid_request")
    assert {problem["pointer"] for problem in answer["body"]["errors"]} == {"/language", "/diarize"}
    assert "in the body" in answer["body"]["detail"]


def test_openais_call_is_told_that_it_reads_a_form(stack: Stack) -> None:
    answer = post(stack, "/v1/audio/transcriptions", "application/json", '{"model": "whisper-1"}')
    assert answer["statusCode"] == 400
    assert "form" in answer["body"]["error"]["message"]
    assert "POST /v1/transcriptions takes JSON" in answer["body"]["error"]["message"]


FORMS = {
    "a boundary of 5,000 letters": ("b" * 5000, "--{b}--"),
    "no name": ("b", "--{b}\r\nContent-Disposition: form-data\r\n\r\nx\r\n--{b}--\r\n"),
    "no header": ("b", "--{b}\r\nno header\r\n\r\n--{b}--\r\n"),
    "a thousand headers": ("b", "--{b}\r\n" + "X: y\r\n" * 1000 + "\r\n\r\n--{b}--\r\n"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_broken_is_refused_in_our_words(stack: Stack, name: str) -> None:
    boundary, body = FORMS[name]
    where = "/v1/audio/transcriptions"
    answer = post(stack, where, f"multipart/form-data; boundary={boundary}", body.replace("{b}", boundary))
    assert answer["statusCode"] == 400, answer["body"]
    assert answer["body"]["error"]["message"].startswith("The form cannot be read: ")


def test_a_native_call_with_openais_model_is_told_what_to_name(stack: Stack) -> None:
    answer = post(stack, JOBS, "application/json", '{"source": {"upload": {}}, "model": "whisper-1"}')
    assert (answer["statusCode"], answer["body"]["code"]) == (404, "model_not_found")
    assert "leave model out, or send 'base'" in answer["body"]["detail"]
