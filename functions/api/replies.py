"""What the routes have in common: who calls, and how a job or a problem is answered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.audio_replies import OpenAIProblem, openai_error
from tiro import service
from tiro.details import Circumstances
from tiro.errors import PROBLEM_MEDIA_TYPE, QuotaExceeded, TiroError, TransientError
from tiro.job import Job, JobStatus, JobView, view
from tiro.ports import JobQueue
from tiro.settings import ApiSettings
from tiro.trace import root_of
from tiro.upload import Upload

T = TypeVar("T")

POLL_SECONDS = 1
"""What `Retry-After` says while a job is not at its end."""


def trace_of_call(router: Router) -> str | None:
    """Return the trace that the gateway gave this call, if it did."""
    return root_of(router.current_event.headers.get("X-Amzn-Trace-Id") or "")


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
    """Return what its owner may see of a job, with what only others know of it, or null while they do not answer."""
    config, now = wiring.settings(ApiSettings), wiring.clock().now()
    run = _told(lambda: wiring.runs().get(job.id)) if job.status is JobStatus.PROCESSING else None
    used = _told(lambda: wiring.usage().get(job.owner, at=now)) if job.status is JobStatus.QUEUED else None
    wait = _told(lambda: service.wait_for_turn(job, queue=_queue(config), pace=wiring.pace(), clock=wiring.clock()))
    around = Circumstances(now, used.jobs if used else None, config.usd_per_worker_hour, wait)
    seen = view(job, run, upload, around)
    return seen.model_copy(update={"partial": service.partial(job, run, wiring.checkpoints())})


def _told(ask: Callable[[], T]) -> T | None:
    """Ask what is nice to have and not worth an error: who is told of one instead of a job makes another."""
    with suppress(TransientError):
        return ask()
    return None


def _queue(config: ApiSettings) -> JobQueue:
    return wiring.queue(config.queue_url, config.batch_queue_url)


def reopen(job: Job) -> Upload | None:
    """Return how to send the recording of a job that still awaits it, signed anew."""
    config = wiring.settings(ApiSettings)
    return service.reopen(
        job,
        media=wiring.media(config.media_bucket),
        parts=wiring.parts(config.media_bucket),
        clock=wiring.clock(),
        settings=config,
    )


def problem_reply(error: TiroError, request_id: str, *, allow: str = "", for_openai: bool = False) -> Response[str]:
    """Answer with a problem; `allow` names the methods that the route has, where that is the problem.

    `for_openai` adds OpenAI's `error`, of which its SDKs print the message and know no other.
    """
    problem = error.problem(request_id=request_id)
    body = OpenAIProblem(**dict(problem), error=openai_error(problem)) if for_openai else problem
    headers = {"Retry-After": "2"} if error.retryable else {}
    if isinstance(error, QuotaExceeded):
        headers = {"Retry-After": str(error.retry_after), **error.headers}
    if allow:
        headers["Allow"] = allow
    return Response(error.status, PROBLEM_MEDIA_TYPE, body.model_dump_json(), headers)
