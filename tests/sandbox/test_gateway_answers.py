"""What the emulator's gateway answers for a function that failed, in the emulator's own Python."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from sandbox import gateway
from sandbox.assembly import ROOT
from tests.sandbox.conftest import EMULATOR

PROGRAM = """
import asyncio, json, sys
sys.path.append(sys.argv[1])
import gateway
from ministack.services import apigateway_v1

results = json.load(sys.stdin)
gateway.install(apigateway_v1)
integration = {"uri": "arn:aws:lambda:eu-west-1:000000000000:function:api"}

def answer(result):
    async def execute(*_, **__):  # what the function's process came to
        return result, None
    apigateway_v1._call_lambda_raw = execute
    response = asyncio.run(apigateway_v1._invoke_lambda_proxy_v1(
        integration, "api", "prod", {}, {"path": "/", "id": "r"}, "/", "GET", {}, b"", {}, {}
    ))
    if isinstance(response, tuple):
        status, headers, body = response
        return {"status": status, "type": headers.get("Content-Type"), "body": body.decode()}
    return {"gateway": response.response_type}

print(json.dumps({name: answer(result) for name, result in results.items()}))
"""

PROBLEM = {"statusCode": 500, "headers": {"Content-Type": "application/problem+json"}, "body": "{}"}
RESULTS: dict[str, dict[str, Any]] = {
    "crashed": {"error": True, "body": {"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}},
    "cannot be imported": {"error": True, "body": {"errorType": "Runtime.ImportModuleError", "errorMessage": "secret"}},
    "took too long": {"error": True, "body": {"errorMessage": "Task timed out after 1.00 seconds"}},
    "no process": {"throttle": True, "body": {"Type": "User", "message": "Rate Exceeded."}},
    "a problem": {"body": PROBLEM},
    "empty": {"body": {"statusCode": 204, "multiValueHeaders": {"Vary": ["Origin"]}, "body": ""}},
    "not modified": {"body": {"statusCode": 304, "body": ""}},
    "json": {"body": {"statusCode": 200, "body": "{}"}},
}


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    python = EMULATOR.parent / "python"
    if not python.exists():
        pytest.skip("the emulator is not installed: make .venv-emulator/.done")
    done = subprocess.run(
        [python, "-P", "-c", PROGRAM, str(ROOT / "sandbox")],
        input=json.dumps(RESULTS),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", ["crashed", "cannot be imported", "took too long", "no process"])
def test_a_function_that_failed_is_answered_by_the_gateway(answers: dict[str, dict[str, Any]], name: str) -> None:
    assert answers[name] == {"gateway": "DEFAULT_5XX"}


def test_what_a_function_answers_stays_as_it_is(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["a problem"] == {"status": 500, "type": "application/problem+json", "body": "{}"}
    assert answers["json"] == {"status": 200, "type": "application/json", "body": "{}"}


@pytest.mark.parametrize(("name", "status"), [("empty", 204), ("not modified", 304)])
def test_an_answer_without_a_body_has_no_type(answers: dict[str, dict[str, Any]], name: str, status: int) -> None:
    assert answers[name] == {"status": status, "type": None, "body": ""}


def test_another_ministack_is_refused() -> None:
    with pytest.raises(ValueError, match="sandbox/gateway"):
        gateway.install(object())
