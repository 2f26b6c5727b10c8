"""What the gateway and the function answer together: methods, preflights, and a problem for whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack
from tiro.errors import PROBLEM_MEDIA_TYPE, Problem
from tiro.key import new_key

pytestmark = pytest.mark.sandbox

FORM = "multipart/form-data; boundary=b"


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


WRONG: dict[str, tuple[int, httpx.Request]] = {
    name: (status, httpx.Request(method, f"http://x/{path}", headers=headers, content=body))
    for name, (status, method, path, headers, body) in {
        "a method without a key": (401, "PUT", "transcriptions", {"Authorization": ""}, b""),
        "no key": (401, "GET", "models", {"Authorization": ""}, b""),
        "an unknown key": (401, "GET", "models", {"Authorization": f"Bearer {new_key(bytes(32))}"}, b""),
        "no key at all": (401, "GET", "models", {"Authorization": "Basic x"}, b""),
        "no route": (404, "GET", "nowhere", {}, b""),
        "a route of OpenAI's that is not Tiro's": (404, "POST", "chat/completions", {}, b"{}"),
        "the root": (404, "GET", "..", {}, b""),
        "a form": (415, "POST", "transcriptions", {"Content-Type": FORM}, b"--b--"),
        "bytes that are no text": (400, "POST", "transcriptions", {"Content-Type": "application/json"}, b"{\xff"),
        "a path that is not UTF-8": (404, "GET", "models/%ff%fe", {}, b""),
        "a lost plus": (422, "GET", "transcriptions?created_after=2026-01-01T00:00:00+02:00", {}, b""),
    }.items()
}


@pytest.mark.parametrize("name", WRONG)
def test_whatever_is_wrong_is_a_problem(stack: Stack, name: str) -> None:
    status, asked = WRONG[name]
    headers = {"Authorization": f"Bearer {stack.env['TIRO_API_KEY']}"} | {
        key: value for key, value in asked.headers.items() if key in ("authorization", "content-type")
    }
    answer = stack.http.request(
        asked.method, str(asked.url).removeprefix("http://x/"), headers=headers, content=asked.content
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM_MEDIA_TYPE
    assert Problem.model_validate_json(answer.content).status == status
