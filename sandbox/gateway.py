"""Makes ministack's API Gateway answer for a failed function as AWS does. Runs in the emulator's own Python.

AWS answers for a function that crashes, cannot be imported, or takes too long with the API's gateway response for 5xx;
ministack 1.5.33 answers 502 with the function's own error text. It also gives an answer without a body the type
`application/json`. `install` corrects both. It needs the standard library only: nothing of Tiro is installed beside
ministack.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

EMPTY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
DEFAULT = "application/json"
"""The type that ministack gives an answer of a function that names none."""


def install(gateway: Any) -> None:
    """Wrap what invokes functions in ministack's `services.apigateway_v1`. Raises ValueError where it is missing."""
    if not callable(getattr(gateway, "_invoke_lambda_proxy_v1", None)) or not callable(
        getattr(gateway, "_gw_error", None)
    ):
        raise ValueError("ministack's apigateway_v1 does not invoke functions as sandbox/gateway.py expects.")
    invoke = gateway._invoke_lambda_proxy_v1

    async def answer(*arguments: Any, **named: Any) -> Any:
        return corrected(gateway, await invoke(*arguments, **named))

    gateway._invoke_lambda_proxy_v1 = answer


def corrected(gateway: Any, response: Any) -> Any:
    """Return ministack's answer, a tuple of status, headers and body, or the gateway's error in its place."""
    if not isinstance(response, tuple):  # already an error of the gateway's own
        return response
    status, headers, body = response
    if headers.get("Content-Type") != DEFAULT:
        return response
    if _of_ministack(status, body):
        return gateway._gw_error("DEFAULT_5XX", "Internal server error")
    if status in EMPTY and not body:
        return status, {name: value for name, value in headers.items() if name != "Content-Type"}, body
    return response


def _of_ministack(status: int, body: bytes) -> bool:
    """Whether no function answered: what ministack says of one that failed (502) or found no process free (429)."""
    try:
        said = json.loads(body)
    except ValueError:
        return False
    names = set(said) if isinstance(said, dict) else set()
    failed = status == HTTPStatus.BAD_GATEWAY and names == {"message"}
    return failed or (status == HTTPStatus.TOO_MANY_REQUESTS and "error" not in names and "code" not in names)
