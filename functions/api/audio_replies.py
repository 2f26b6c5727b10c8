"""Errors as OpenAI words them, so that its SDKs raise what their users catch.

Source: openai/openai-openapi 2.3.0 (ErrorResponse) and the SDK's own reading of a status and of `x-should-retry`.
"""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from tiro.errors import Problem

PASSING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""What an SDK should repeat by itself. To repeat is safe: the same recording is the same job."""

LONGEST_RETRY = 60
"""Seconds of `Retry-After` that every release of the SDKs waits out; after more, some would come too early."""

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class OpenAIError(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorBody(BaseModel):
    """What every error on these routes answers."""

    error: OpenAIError


class OpenAIProblem(Problem):
    """A problem that OpenAI's SDKs can read too, where they call what is not theirs alone."""

    error: OpenAIError


def openai_error(problem: Problem) -> OpenAIError:
    """Return a problem in OpenAI's words; `code` stays Tiro's."""
    status = _status(problem)
    param = problem.errors[0].pointer.strip("/").partition("/")[0] if problem.errors else ""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return OpenAIError(message=problem.detail, type=kind, param=param or None, code=problem.code)


def openai_reply(problem: Problem, request_id: str, *, retry_after: int = 2, allow: str = "") -> Response[str]:
    """Answer with a problem in OpenAI's shape alone. `retry_after` is in seconds, where it passes; `allow` names the
    methods that the route has, where that is the problem.
    """
    status, body = _status(problem), OpenAIErrorBody(error=openai_error(problem))
    passing = problem.retryable and status in PASSING
    again = passing and retry_after <= LONGEST_RETRY
    headers = {"x-should-retry": str(again).lower(), "x-request-id": request_id}
    if passing:
        headers["Retry-After"] = str(retry_after)
    if allow:
        headers["Allow"] = allow
    return Response(status, "application/json", body.model_dump_json(), headers)


def _status(problem: Problem) -> HTTPStatus:
    """OpenAI has no 422, and its SDKs' users catch BadRequestError."""
    return HTTPStatus.BAD_REQUEST if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY else HTTPStatus(problem.status)
