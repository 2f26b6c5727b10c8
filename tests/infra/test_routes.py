"""What the function answers is what is deployed, with a key or without, and nothing else is."""

from __future__ import annotations

import re

from functions.api import app
from functions.api.openapi import routes
from infra.api import OPEN_ROUTES, ROUTES
from tests.infra.conftest import Synthesized


def shape(path: str) -> str:
    """Return a path whatever its parameters are called."""
    return re.sub(r"{\w+}", "{}", path)


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
            assert method["HttpMethod"] == "GET"
            path = prod.of_type("AWS::ApiGateway::Resource")[method["ResourceId"]["Ref"]]["PathPart"]
            assert path in {"docs", "openapi.json", "{code}"}


def test_pages_may_call_every_method_with_the_headers_that_the_api_reads(prod: Synthesized) -> None:
    preflights = [m for m in prod.of_type("AWS::ApiGateway::Method").values() if m["HttpMethod"] == "OPTIONS"]
    assert preflights
    for preflight in preflights:
        headers = preflight["Integration"]["IntegrationResponses"][0]["ResponseParameters"]
        allowed = headers["method.response.header.Access-Control-Allow-Headers"].strip("'").split(",")
        assert {"Authorization", "Content-Type", "Idempotency-Key", "Prefer", "If-None-Match"} <= set(allowed)
        methods = headers["method.response.header.Access-Control-Allow-Methods"].strip("'").split(",")
        assert set(methods) == {method for method, _ in ROUTES}
