"""The running stack against its own description: any call that schemathesis can think of, good or bad.

No 5xx, no status, media type or header that is not described, no body of another shape, nothing accepted that the
schemas forbid, nothing answered without a key. The gate takes a few examples of each operation. In full, with every
boundary that the schemas name and every method that they do not:

    TIRO_EXAMPLES=100 pytest tests/sandbox/test_schemathesis.py
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from sandbox.up import SAMPLE
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack

pytestmark = pytest.mark.sandbox

HARDER = int(os.environ.get("TIRO_EXAMPLES", "0"))
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    # Of methods that no operation has; schemathesis tries them where it looks at boundaries.
    unsupported_method,
    allow_header_conformance,
]

OPEN_VALUES = {
    "POST /v1/transcriptions",  # exactly one source, a URL that leads somewhere, a language that Whisper knows
    "POST /v1/batches",
    "POST /v1/webhooks",
    "POST /v1/audio/transcriptions",  # a file that is a recording
    "POST /v1/audio/translations",
    "GET /v1/transcriptions",  # a cursor and a batch's id are Tiro's own
    "GET /v1/transcriptions/{job_id}/transcript",  # a format and what belongs to it
}
"""Operations whose schemas leave values open that Tiro must refuse. Of all others every described call is accepted."""

PARTS = {"filename": "conference.wav", "size": 200_000_000}

bounded = settings(
    max_examples=HARDER or 8,
    deadline=None,  # a Lambda's first call takes seconds
    derandomize=True,  # a gate says the same today and tomorrow
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def described(*modes: GenerationMode) -> Any:
    schema = schemathesis.openapi.from_path(DOCUMENT)
    schema.config.generation.update(modes=list(modes))
    schema.config.phases.coverage.enabled = HARDER > 0
    return schema


anything = described(GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
on_what_is_there = described(GenerationMode.POSITIVE).include(path_regex="{")


@pytest.fixture(scope="module")
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


@pytest.fixture(scope="module")
def completed(stack: Stack) -> str:
    return str(stack.upload(SAMPLE.read_bytes())["id"])


@anything.parametrize()  # type: ignore[untyped-decorator]
@bounded
def test_it_answers_as_described(case: schemathesis.Case[Any], running_sandbox: RunningSandbox) -> None:
    described = f"{case.operation.method.upper()} {case.operation.path}" not in OPEN_VALUES
    hold_to_its_word(case, running_sandbox.env, *([positive_data_acceptance] if described else []))


_turns = itertools.count()


@on_what_is_there.parametrize()  # type: ignore[untyped-decorator]
@bounded
def test_it_does_so_for_what_is_there(case: schemathesis.Case[Any], stack: Stack, completed: str) -> None:
    """Ids that were made up lead to a 404 and no further."""
    if "{job_id}" in case.operation.path:
        ends_it = case.operation.method == "delete" or case.operation.path.endswith("/cancel")
        mine = [lambda: stack.submit({"upload": {}})["id"], lambda: stack.submit({"upload": PARTS})["id"]]
        if not ends_it:
            mine.append(lambda: completed)
        case.path_parameters["job_id"] = mine[next(_turns) % len(mine)]()
    elif "{batch_id}" in case.operation.path:
        made = stack.call("POST", "batches", json={"sources": [{"upload": {}}, {"url": "http://10.0.0.1/x"}]})
        case.path_parameters["batch_id"] = made.json()["id"]
    elif "{endpoint_id}" in case.operation.path:
        case.path_parameters["endpoint_id"] = _endpoint(stack)
    elif "{model}" in case.operation.path:
        case.path_parameters["model"] = "base"
    elif "{code}" in case.operation.path:
        case.path_parameters["code"] = "scope_missing"
    if "{delivery_id}" in case.operation.path:
        case.path_parameters["delivery_id"] = "del_0"
    answer = hold_to_its_word(case, stack.env)
    assert answer.status_code != 404 or answer.json()["code"] != "route_not_found"


def _endpoint(stack: Stack) -> str:
    """Return the id of a webhook endpoint: one that is there, since an owner may have but a few."""
    there = stack.call("GET", "webhooks").json()["data"]
    made = there[0] if there else stack.call("POST", "webhooks", json={"url": "https://example.com/tiro"}).json()
    return str(made["id"])


def hold_to_its_word(case: schemathesis.Case[Any], env: dict[str, str], *more: Any) -> Any:
    return case.call_and_validate(
        base_url=env["TIRO_API_URL"],
        headers={"Authorization": f"Bearer {env['TIRO_API_KEY']}"},
        timeout=120,  # seconds: how fast it answers is not what is asked here
        checks=[*CHECKS, *more, *([ignored_auth] if HARDER else [])],
        allow_redirects=False,
    )
