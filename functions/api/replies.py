"""What the routes have in common: who calls, and how a job or a problem is answered."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from tiro.errors import PROBLEM_MEDIA_TYPE, TiroError
from tiro.job import Job, Upload, view

POLL_SECONDS = 1
"""What `Retry-After` says while a job is not at its end."""


def owner_of(router: Router) -> str:
    """Return whom the authorizer found behind the key."""
    return str(router.current_event["requestContext"]["authorizer"]["owner"])


def job_reply(job: Job, status: HTTPStatus, upload: Upload | None = None) -> Response[str]:
    run = None if job.status.terminal else wiring.runs().get(job.id)
    headers = {} if job.status.terminal else {"Retry-After": str(POLL_SECONDS)}
    if status is HTTPStatus.ACCEPTED:
        headers["Location"] = f"/v1/transcriptions/{job.id}"
    return Response(status, "application/json", view(job, run, upload).model_dump_json(), headers)


def problem_reply(error: TiroError, request_id: str) -> Response[str]:
    body = error.problem(request_id=request_id).model_dump_json()
    return Response(error.status, PROBLEM_MEDIA_TYPE, body, {"Retry-After": "2"} if error.retryable else {})
