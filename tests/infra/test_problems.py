from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from aws_cdk import aws_apigateway as apigateway

from functions.api.audio_replies import openai_error
from infra.problems import MEDIA_TYPE, PROBLEMS, GatewayProblem
from tests.infra.conftest import Synthesized
from tiro.errors import PROBLEM_MEDIA_TYPE, Problem, TiroError


def tree(error: type[TiroError] = TiroError) -> Iterator[type[TiroError]]:
    yield error
    for leaf in error.__subclasses__():
        yield from tree(leaf)


OURS = {error.code: error for error in tree()}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.kind.response_type)
def test_the_gateway_speaks_as_tiro_does(problem: GatewayProblem) -> None:
    told = json.loads(problem.template)
    assert set(told) == {*Problem.model_fields, "error"}
    parsed = Problem.model_validate(told)
    assert parsed.request_id == "$context.requestId"
    assert parsed.status == problem.status
    ours = OURS[parsed.code]
    assert (parsed.title, parsed.retryable) == (ours.title, ours.retryable)
    assert parsed.type == ours().problem().type
    if problem.status == 401:
        assert problem.headers["WWW-Authenticate"] == "'Bearer'"


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.kind.response_type)
def test_openais_sdks_find_the_same_sentence(problem: GatewayProblem) -> None:
    """They read `error.message` and nothing else, and the gateway does not know which route was called."""
    told = json.loads(problem.template)
    parsed = Problem.model_validate(told)
    assert told["error"]["message"] == f"{parsed.title}. {parsed.detail}"
    assert told["error"] == openai_error(parsed).model_dump() | {"message": told["error"]["message"]}


def test_who_is_stopped_by_the_firewall_is_not_told_that_it_was_the_key() -> None:
    [told] = [problem.detail for problem in PROBLEMS if problem.kind.response_type == "WAF_FILTERED"]
    assert "firewall" in told
    assert "Wait five minutes" in told
    assert "key" not in told


def test_the_media_type_is_the_one_of_tiro() -> None:
    assert MEDIA_TYPE == PROBLEM_MEDIA_TYPE


def test_nothing_the_gateway_can_say_is_left_out() -> None:
    kinds = {name for name in dir(apigateway.ResponseType) if name.isupper()}
    told = {problem.kind.response_type.replace("DEFAULT_4XX", "DEFAULT_4_XX") for problem in PROBLEMS}
    assert kinds == {kind.replace("DEFAULT_5XX", "DEFAULT_5_XX") for kind in told}


def test_each_is_in_the_template_with_its_status(prod: Synthesized) -> None:
    told = prod.of_type("AWS::ApiGateway::GatewayResponse").values()
    assert {r["ResponseType"]: r["StatusCode"] for r in told} == {
        problem.kind.response_type: str(problem.status) for problem in PROBLEMS
    }
    for response in told:
        assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == f"'{MEDIA_TYPE}'"
        assert response["ResponseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
