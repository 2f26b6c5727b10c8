"""What the routes have in common: who calls, and how a job or a problem is answered."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from tiro import service
from tiro.details import Circumstances
from tiro.errors import PROBLEM_MEDIA_TYPE, QuotaExceeded, TiroError
from tiro.job import Job, JobStatus, JobView, view
from tiro.settings import ApiSettings
from tiro.upload import Upload

POLL_SECONDS = 1
"""What `Retry-After` says while a job is not at its end."""


def owner_of(router: Router) -> str:
    """Return whom the authorizer found behind the key."""
    return str(router.current_event["requestContext"]["authorizer"]["owner"])


def job_reply(job: Job, status: HTTPStatus, upload: Upload | None = None) -> Response[str]:
    seen = look(job, upload)
    headers = {} if job.status.terminal else {"Retry-After": str(POLL_SECONDS)}
    if status is HTTPStatus.ACCEPTED:
        headers["Location"] = f"/v1/transcriptions/{job.id}"
    return Response(status, "application/json", seen.model_dump_json(), headers)


def look(job: Job, upload: Upload | None = None) -> JobView:
    """Return what its owner may see of a job, with what only others know of it."""
    config, now = wiring.settings(ApiSettings), wiring.clock().now()
    run = wiring.runs().get(job.id) if job.status is JobStatus.PROCESSING else None
    used = wiring.usage().get(job.owner, at=now) if job.status is JobStatus.QUEUED else None
    seen = view(job, run, upload, Circumstances(now, used.jobs if used else None, config.usd_per_worker_hour))
    return seen.model_copy(update={"partial": service.partial(job, run, wiring.checkpoints())})


def problem_reply(error: TiroError, request_id: str) -> Response[str]:
    body = error.problem(request_id=request_id).model_dump_json()
    headers = {"Retry-After": "2"} if error.retryable else {}
    if isinstance(error, QuotaExceeded):
        headers = {"Retry-After": str(error.retry_after), **error.headers}
    return Response(error.status, PROBLEM_MEDIA_TYPE, body, headers)
