"""Every path says which methods it takes, HEAD is GET without a body, and nothing that fails is without a problem."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from functions import wiring
from functions.api import app, handler
from functions.api.openapi import routes
from tests.functions.conftest import EVENTS, Stack
from tests.functions.jobs import header, path, queue_one, submit

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
TAKEN: dict[str, set[str]] = {}
for route in routes(app()):
    TAKEN.setdefault(re.sub(r"{\w+}", "x", route.path), set()).add(route.method)


def error_of(answer: Any) -> Any:
    """A problem of Tiro's, or OpenAI's error."""
    return answer["body"].get("error") or answer["body"]


@pytest.mark.parametrize("where", TAKEN)
def test_a_method_that_a_path_does_not_take_is_told_those_that_it_does(stack: Stack, where: str) -> None:
    taken = TAKEN[where] | ({"HEAD"} if "GET" in TAKEN[where] else set())
    for method in METHODS - taken - {"HEAD"}:
        answer = stack.call(method, where)
        assert answer["statusCode"] == 405
        assert error_of(answer)["code"] == "method_not_allowed"
        allow = header(answer, "Allow")
        assert allow
        assert set(allow.split(", ")) == taken | {"OPTIONS"}
    if "HEAD" not in taken:
        headed = raw("HEAD", where)
        assert (headed["statusCode"], headed["body"]) == (405, "")
        assert headed["multiValueHeaders"]["Allow"] == [", ".join(sorted(taken | {"OPTIONS"}))]


def test_where_there_is_no_path_no_method_is_named(stack: Stack) -> None:
    answer = stack.call("PUT", "/v1/nowhere")
    assert (answer["statusCode"], answer["body"]["code"]) == (404, "route_not_found")
    assert "Allow" not in answer["multiValueHeaders"]


def raw(method: str, where: str, **headers: str) -> dict[str, Any]:
    event = json.loads((EVENTS / "rest_api.json").read_text())
    event |= {"httpMethod": method, "path": where, "headers": event["headers"] | headers}
    return handler(event, None)


@pytest.mark.parametrize(
    "where",
    [
        *("/v1/transcriptions", "/v1/transcriptions/{id}", "/v1/transcriptions/nowhere"),
        *(
            "/v1/transcriptions/{id}/transcript",
            "/v1/webhooks",
            "/v1/models",
            "/v1/models/base",
            "/v1/models/nowhere",
            "/docs",
            "/openapi.json",
        ),
    ],
)
def test_head_is_get_without_the_body(stack: Stack, where: str) -> None:
    where = where.replace("{id}", queue_one(stack))
    got, headed = raw("GET", where), raw("HEAD", where)
    assert got["body"]
    assert headed["body"] == ""
    assert (headed["statusCode"], headed["multiValueHeaders"]) == (got["statusCode"], got["multiValueHeaders"])


def test_a_tag_holds_for_head_too(stack: Stack) -> None:
    where = path(queue_one(stack))
    [tag] = raw("GET", where)["multiValueHeaders"]["ETag"]
    assert raw("HEAD", where, **{"If-None-Match": tag})["statusCode"] == 304


def test_an_answer_without_a_body_has_no_type(stack: Stack) -> None:
    job_id = str(submit(stack)["body"]["id"])
    gone = stack.call("DELETE", path(job_id))
    assert (gone["statusCode"], gone["body"]) == (204, "")
    assert "Content-Type" not in gone["multiValueHeaders"]


# ---------------------------------------------------------------- what goes wrong before a route runs


def test_settings_that_are_wrong_are_a_problem(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIRO_TABLE")
    wiring.settings.cache_clear()
    for where in ("/v1/models", "/v1/nowhere", "/v1/transcriptions"):
        assert_a_mistake(raw("GET", where))


@pytest.mark.parametrize("event", [{}, {"httpMethod": "GET"}, {"httpMethod": "GET", "path": "/v1/models"}])
def test_an_event_that_is_none_of_the_gateways_is_a_problem(stack: Stack, event: dict[str, Any]) -> None:
    assert_a_mistake(handler(event, None))


def assert_a_mistake(answer: dict[str, Any]) -> None:
    assert answer["statusCode"] == 500
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    assert answer["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["*"]
    told = json.loads(answer["body"])
    assert (told["code"], told["retryable"]) == ("internal_error", True)
    assert "TIRO_TABLE" not in answer["body"]
