"""What the gateway and the function answer together: methods, preflights, and a problem for whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack
from tiro.errors import PROBLEM_MEDIA_TYPE, Problem
from tiro.key import new_key

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "transcriptions", "GET, HEAD, OPTIONS, POST"),
        ("PATCH", "transcriptions/x", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", "audio/transcriptions", "OPTIONS, POST"),
        ("HEAD", "batches", "OPTIONS, POST"),
        ("DELETE", "../docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method_is_told_those_that_there_are(stack: Stack, method: str, path: str, allow: str) -> None:
    answer = stack.call(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize("path", ["transcriptions", "models/base", "transcriptions/nowhere", "../openapi.json"])
def test_head_is_get_without_the_body(stack: Stack, path: str) -> None:
    got, headed = stack.call("GET", path), stack.call("HEAD", path)
    assert (headed.status_code, headed.content) == (got.status_code, b"")
    for name in ("Content-Type", "ETag", "Access-Control-Allow-Origin"):
        assert headed.headers.get(name) == got.headers.get(name)


def test_a_page_with_openais_sdk_may_call(stack: Stack) -> None:
    asked = "authorization,content-type,openai-organization,x-stainless-arch,x-stainless-lang,x-stainless-retry-count"
    headers = {
        "Origin": "https://app.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    answer = stack.http.request("OPTIONS", "audio/transcriptions", headers=headers)
    assert answer.is_success
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(",")
    assert set(asked.split(",")) <= {name.strip() for name in allowed}


@dataclass(frozen=True)
class Call:
    """One that is refused with a status."""

    status: int
    method: str
    path: str  # below /v1
    body: bytes = b""
    type: str = "application/json"
    authorization: str | None = None  # None: the sandbox's own key


WRONG = {
    "no key": Call(401, "GET", "models", authorization=""),
    "no key for a method that there is not": Call(401, "PUT", "transcriptions", authorization=""),
    "an unknown key": Call(401, "GET", "models", authorization=f"Bearer {new_key(bytes(32))}"),
    "no key at all": Call(401, "GET", "models", authorization="Basic x"),
    "no route": Call(404, "GET", "nowhere"),
    "a route of OpenAI's that is not Tiro's": Call(404, "POST", "chat/completions", b"{}"),
    "the root": Call(404, "GET", ".."),
    "a form": Call(415, "POST", "transcriptions", b"--b--", "multipart/form-data; boundary=b"),
    "bytes that are no text": Call(400, "POST", "transcriptions", b"{\xff"),
    "a model that is not UTF-8": Call(404, "GET", "models/%ff%fe"),
    "a lost plus": Call(422, "GET", "transcriptions?created_after=2026-01-01T00:00:00+02:00"),
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_wrong_is_a_problem(stack: Stack, name: str) -> None:
    call = WRONG[name]
    key = f"Bearer {stack.env['TIRO_API_KEY']}" if call.authorization is None else call.authorization
    headers = {"Authorization": key, "Content-Type": call.type}
    answer = stack.http.request(call.method, call.path, headers=headers, content=call.body)
    assert answer.status_code == call.status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM_MEDIA_TYPE
    assert Problem.model_validate_json(answer.content).status == call.status
