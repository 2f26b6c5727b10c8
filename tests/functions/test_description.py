"""What the routes say of themselves is whole, true, and what is written down."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from functions.api import app
from functions.api.cors import EXPOSED
from functions.api.openapi import HEADERS, document, render, routes
from tests.functions.conftest import Stack
from tiro.key import Scope

SAFELISTED = {"Cache-Control", "Content-Language", "Content-Length", "Content-Type", "Expires", "Last-Modified"}
"""What a page's script sees without being told (Fetch standard)."""

ROOT = Path(__file__).resolve().parents[2]
DESCRIBED = [(f"{route.method} {route.path}", route) for route in routes(app())]


def operations() -> dict[str, dict[str, Any]]:
    paths = document(app())["paths"].items()
    return {f"{method.upper()} {path}": told for path, methods in paths for method, told in methods.items()}


def test_the_file_is_what_the_code_says() -> None:
    written = ROOT / "docs" / "openapi.json"
    assert written.read_text(encoding="utf-8") == render(app()), "run: make openapi"


@pytest.mark.parametrize(("name", "route"), DESCRIBED, ids=[name for name, _ in DESCRIBED])
def test_every_route_says_what_it_is(name: str, route: Any) -> None:
    assert route.description, f"{name} has no @describe: see docs/api/README.md"
    assert name in operations()


def test_operations_have_names_of_their_own() -> None:
    names = [told["operationId"] for told in operations().values()]
    assert len(names) == len(set(names))


def test_a_page_may_see_every_header_that_is_described() -> None:
    hidden = {"Access-Control-Allow-Origin", "Vary"}
    assert set(HEADERS) - hidden - SAFELISTED <= set(EXPOSED)


def test_every_shape_that_is_named_is_there() -> None:
    text = render(app())
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) <= set(document(app())["components"]["schemas"])


def test_the_comment_beside_a_field_is_its_description() -> None:
    shapes = document(app())["components"]["schemas"]
    assert shapes["Segment"]["properties"]["start"]["description"] == "seconds"
    assert shapes["DroppedSegment"]["properties"]["start"]["description"] == "seconds"  # inherited
    assert shapes["UploadSource"]["properties"]["filename"]["description"] == "echoed, never used as a path"


def call(stack: Stack, method: str, path: str, scopes: str) -> Any:
    from functions.api import handler
    from tests.functions.conftest import EVENTS

    event = json.loads((EVENTS / "rest_api.json").read_text())
    event |= {"httpMethod": method, "path": re.sub(r"{\w+}", "x", path), "body": "{}"}
    event["requestContext"]["authorizer"]["scopes"] = scopes
    return handler(event, None)


@pytest.mark.parametrize(("name", "route"), DESCRIBED, ids=[name for name, _ in DESCRIBED])
def test_a_route_opens_by_its_scope_and_by_no_other(stack: Stack, name: str, route: Any) -> None:
    needed = route.description.scope
    others = " ".join(scope for scope in Scope if scope is not needed)
    answer = call(stack, route.method, route.path, others)
    if needed is None:
        assert answer["statusCode"] in (200, 404)
        return
    assert answer["statusCode"] == 403
    told = json.loads(answer["body"])
    problem = told.get("error") or told  # OpenAI's shape, or Tiro's own
    assert problem["code"] == "scope_missing"
    assert f"'{needed}'" in answer["body"]
    assert call(stack, route.method, route.path, needed)["statusCode"] != 403


@pytest.mark.parametrize("authorizer", [None, {}, {"owner": "ada"}, {"owner": "ada", "scopes": ""}])
def test_without_scopes_nothing_opens(stack: Stack, authorizer: Any) -> None:
    from functions.api import handler
    from tests.functions.conftest import EVENTS

    event = json.loads((EVENTS / "rest_api.json").read_text())
    event["requestContext"]["authorizer"] = authorizer
    assert handler(event, None)["statusCode"] == 403


def test_where_there_is_no_route_no_scope_is_asked_for(stack: Stack) -> None:
    assert call(stack, "GET", "/v1/nowhere", "")["statusCode"] == 404


def test_a_route_that_nobody_described_takes_every_scope() -> None:
    from types import SimpleNamespace

    from functions.api.description import check_scope
    from tiro.errors import ScopeMissing

    def forgotten() -> None: ...

    def asked(scopes: str) -> Any:
        event = {"requestContext": {"authorizer": {"scopes": scopes}}}
        route = SimpleNamespace(func=forgotten)
        return SimpleNamespace(
            context={"_route": route}, current_event=event, _static_routes=[route], _dynamic_routes=[]
        )

    assert check_scope(asked("read transcribe webhooks"), lambda _: "in") == "in"  # type: ignore[arg-type,return-value,comparison-overlap]
    with pytest.raises(ScopeMissing):
        check_scope(asked("read transcribe"), lambda _: "in")  # type: ignore[arg-type,return-value]
