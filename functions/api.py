"""The HTTP door: parse, call the service, reply."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions import wiring
from tiro import service
from tiro.errors import PROBLEM_MEDIA_TYPE, InternalError, RouteNotFound, TiroError
from tiro.job import Job, Upload, view
from tiro.request import parse_request
from tiro.settings import ApiSettings

POLL_SECONDS = 1
"""What `Retry-After` says while a job is not at its end."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app().resolve(event, context)  # type: ignore[arg-type]  # Powertools wants its own LambdaContext


@cache
def app() -> APIGatewayRestResolver:
    app = APIGatewayRestResolver()

    def owner() -> str:
        return str(app.current_event.request_context.authorizer["owner"])

    @app.post("/v1/transcriptions")
    def submit() -> Response[str]:
        config = wiring.settings(ApiSettings)
        job, upload = service.submit(
            parse_request(app.current_event.decoded_body),
            owner=owner(),
            jobs=wiring.jobs(),
            media=wiring.media(config.media_bucket),
            queue=wiring.queue(config.queue_url),
            clock=wiring.clock(),
            settings=config,
        )
        return _job_response(job, HTTPStatus.ACCEPTED, upload)

    @app.get("/v1/transcriptions/<job_id>")
    def get(job_id: str) -> Response[str]:
        return _job_response(service.find(job_id, owner=owner(), jobs=wiring.jobs()), HTTPStatus.OK)

    @app.get("/v1/transcriptions/<job_id>/transcript")
    def transcript(job_id: str) -> Response[str]:
        job = service.find(job_id, owner=owner(), jobs=wiring.jobs())
        name = app.current_event.get_query_string_value("format", "json")
        store = wiring.transcripts(wiring.settings(ApiSettings).transcript_bucket)
        form, text = service.read_transcript(job, name, transcripts=store)
        return Response(200, form.content_type, text)

    @app.not_found
    def no_route(_: NotFoundError) -> Response[str]:
        return _problem_response(RouteNotFound(), app.current_event.request_context.request_id)

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def failed(error: Exception) -> Response[str]:
        request_id = app.current_event.request_context.request_id
        if not isinstance(error, TiroError):
            wiring.logger("api").exception("unexpected", extra={"request_id": request_id})
            error = InternalError("This is our mistake, and it is in the log under this request_id. Try again.")
        return _problem_response(error, request_id)

    return app


def _job_response(job: Job, status: HTTPStatus, upload: Upload | None = None) -> Response[str]:
    run = None if job.status.terminal else wiring.runs().get(job.id)
    headers = {} if job.status.terminal else {"Retry-After": str(POLL_SECONDS)}
    if status is HTTPStatus.ACCEPTED:
        headers["Location"] = f"/v1/transcriptions/{job.id}"
    return Response(status, "application/json", view(job, run, upload).model_dump_json(), headers)


def _problem_response(error: TiroError, request_id: str) -> Response[str]:
    body = error.problem(request_id=request_id).model_dump_json()
    return Response(error.status, PROBLEM_MEDIA_TYPE, body, {"Retry-After": "2"} if error.retryable else {})
