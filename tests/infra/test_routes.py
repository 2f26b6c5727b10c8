"""What the function answers is what is deployed, with a key or without, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import openai

from functions.api import app
from functions.api.openapi import routes
from infra.api import OPEN_ROUTES, ROUTES
from tests.infra.conftest import Synthesized


def shape(path: str) -> str:
    """Return a path whatever its parameters are called."""
    return re.sub(r"{\w+}", "{}", path)


def sent_by_openais_sdk() -> set[str]:
    """Every header that the SDK's source names, in lower case."""
    files = Path(str(openai.__file__)).parent.rglob("*.py")
    found = re.findall(r"\b(x-stainless-[a-z-]*[a-z]|openai-(?:organization|project|beta))\b", "".join(
        file.read_text(encoding="utf-8") for file in files
    ), re.IGNORECASE)  # fmt: skip
    return {name.lower() for name in found}


def test_every_route_is_deployed_and_asks_for_a_key_where_it_says_so() -> None:
    described = {
        (route.method, shape(route.path), bool(route.description and route.description.scope))
        for route in routes(app())
    }
    deployed = {(method, shape(path), True) for method, path in ROUTES}
    deployed |= {(method, shape(path), False) for method, path in OPEN_ROUTES}
    assert described == deployed


def test_only_what_anybody_may_read_is_without_the_authorizer(prod: Synthesized) -> None:
    for method in prod.of_type("AWS::ApiGateway::Method").values():
        if method["Integration"]["Type"] == "AWS_PROXY" and method["AuthorizationType"] != "CUSTOM":
            assert method["HttpMethod"] in {"GET", "ANY"}
            path = prod.of_type("AWS::ApiGateway::Resource")[method["ResourceId"]["Ref"]]["PathPart"]
            assert path in {"docs", "openapi.json", "{code}"}


def test_the_function_sees_every_method_of_a_path_and_who_may_call_it(prod: Synthesized) -> None:
    """It answers HEAD, and 405 with `Allow`: the gateway alone would say that there is no such route."""
    by_path: dict[str, dict[str, str]] = {}
    for method in prod.of_type("AWS::ApiGateway::Method").values():
        if method["Integration"]["Type"] == "AWS_PROXY":
            by_path.setdefault(method["ResourceId"]["Ref"], {})[method["HttpMethod"]] = method["AuthorizationType"]
    assert len(by_path) == len({path for _, path in (*ROUTES, *OPEN_ROUTES)})
    for methods in by_path.values():
        assert "ANY" in methods
        assert len(set(methods.values())) == 1


def test_pages_may_call_every_method_with_the_headers_that_the_api_reads(prod: Synthesized) -> None:
    preflights = [m for m in prod.of_type("AWS::ApiGateway::Method").values() if m["HttpMethod"] == "OPTIONS"]
    assert preflights
    for preflight in preflights:
        headers = preflight["Integration"]["IntegrationResponses"][0]["ResponseParameters"]
        allowed = headers["method.response.header.Access-Control-Allow-Headers"].strip("'").split(",")
        assert {"Authorization", "Content-Type", "Idempotency-Key", "Prefer", "If-None-Match"} <= set(allowed)
        assert sent_by_openais_sdk() <= {name.lower() for name in allowed}
        methods = headers["method.response.header.Access-Control-Allow-Methods"].strip("'").split(",")
        assert set(methods) == {method for method, _ in ROUTES}
