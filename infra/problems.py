"""What API Gateway itself refuses, told in the same words and shape as Tiro's own problems.

A test holds each of these against `tiro.errors.Problem`; infra may not import it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway

MEDIA_TYPE = "application/problem+json"

_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


@dataclass(frozen=True)
class GatewayProblem:
    kind: apigateway.ResponseType
    status: int
    code: str
    title: str
    detail: str
    retryable: bool = False

    @property
    def template(self) -> str:
        """The body, in which API Gateway puts the request's id."""
        problem = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
            "instance": None,
            "request_id": "$context.requestId",
            "errors": [],
            # The gateway cannot see which route was called, and OpenAI's SDKs print the message in here and no other.
            "error": {
                "message": f"{self.title}. {self.detail}",
                "type": self.openai_type,
                "param": None,
                "code": self.code,
            },
        }
        return json.dumps(problem)

    @property
    def openai_type(self) -> str:
        return _OPENAI_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")

    @property
    def headers(self) -> dict[str, str]:
        # A page may always read why it was refused: nothing in here is anybody's secret.
        headers = {"Content-Type": MEDIA_TYPE, "Access-Control-Allow-Origin": "*"}
        headers["Access-Control-Expose-Headers"] = "Retry-After,WWW-Authenticate"
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.retryable:
            headers["Retry-After"] = "2"
        return {name: f"'{value}'" for name, value in headers.items()}


def _unauthorized(kind: apigateway.ResponseType) -> GatewayProblem:
    return GatewayProblem(
        kind,
        401,
        "unauthorized",
        "The API key is missing or not valid",
        "Send 'Authorization: Bearer tiro_...' with a key that 'tiro keys create' made.",
    )


def _no_route(kind: apigateway.ResponseType) -> GatewayProblem:
    return GatewayProblem(
        kind,
        404,
        "route_not_found",
        "There is no such route",
        "Check the path and the method; every route begins with /v1.",
    )


def _internal(kind: apigateway.ResponseType, status: int = 500) -> GatewayProblem:
    return GatewayProblem(
        kind,
        status,
        "internal_error",
        "Something went wrong inside Tiro",
        "This is our mistake, and it is in the log under this request_id. Try again.",
        retryable=True,
    )


def _busy(kind: apigateway.ResponseType, status: int) -> GatewayProblem:
    return GatewayProblem(
        kind,
        status,
        "service_unavailable",
        "A service Tiro stands on did not answer",
        "Try again in a moment.",
        retryable=True,
    )


def _bad_request(kind: apigateway.ResponseType) -> GatewayProblem:
    return GatewayProblem(
        kind, 400, "bad_request", "The call cannot be understood", "Check the call against the documentation."
    )


def _throttled(kind: apigateway.ResponseType) -> GatewayProblem:
    return GatewayProblem(
        kind, 429, "throttled", "Too many calls at once", "Wait a moment, then call more slowly.", retryable=True
    )


def _forbidden(kind: apigateway.ResponseType, detail: str) -> GatewayProblem:
    return GatewayProblem(kind, 403, "forbidden", "This call is not allowed", detail)


_Type = apigateway.ResponseType

PROBLEMS = (
    _unauthorized(_Type.UNAUTHORIZED),
    _unauthorized(_Type.INVALID_API_KEY),
    _unauthorized(_Type.EXPIRED_TOKEN),
    _unauthorized(_Type.INVALID_SIGNATURE),
    _forbidden(_Type.ACCESS_DENIED, "This key may not make this call."),
    _forbidden(
        _Type.WAF_FILTERED,
        "The firewall before this stack refused the call: there were too many from your address within five minutes, "
        "or its rules forbid the address or what was sent. Wait five minutes; if it goes on, tell whoever runs the "
        "stack this request_id.",
    ),
    _no_route(_Type.MISSING_AUTHENTICATION_TOKEN),  # API Gateway's name for a route it does not know
    _no_route(_Type.RESOURCE_NOT_FOUND),
    GatewayProblem(
        _Type.REQUEST_TOO_LARGE,
        413,
        "payload_too_large",
        "The body is too large",
        "A recording of more than 4.4 MB is not sent in a call but to the URL that POST /v1/transcriptions answers.",
    ),
    _throttled(_Type.THROTTLED),
    _throttled(_Type.QUOTA_EXCEEDED),
    _bad_request(_Type.BAD_REQUEST_BODY),
    _bad_request(_Type.BAD_REQUEST_PARAMETERS),
    GatewayProblem(
        _Type.UNSUPPORTED_MEDIA_TYPE,
        415,
        "unsupported_media_type",
        "The body has the wrong media type",
        "Send JSON with 'Content-Type: application/json'; OpenAI's calls take multipart/form-data.",
    ),
    _bad_request(_Type.DEFAULT_4_XX),
    _busy(_Type.INTEGRATION_FAILURE, 503),
    _busy(_Type.INTEGRATION_TIMEOUT, 504),
    _internal(_Type.AUTHORIZER_FAILURE),
    _internal(_Type.AUTHORIZER_CONFIGURATION_ERROR),
    _internal(_Type.API_CONFIGURATION_ERROR),
    _internal(_Type.DEFAULT_5_XX),
)
