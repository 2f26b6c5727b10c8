"""The HTTP door: parse, call the service, reply. A file per noun; this one puts them together."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions import wiring
from functions.api import about, audio, batches, deliveries, jobs, media, models, transcripts, uploads, webhooks
from functions.api.audio_replies import openai_reply
from functions.api.cors import let_pages_read
from functions.api.description import check_request, check_scope
from functions.api.methods import allowed
from functions.api.replies import problem_reply
from tiro.errors import (
    PROBLEM_MEDIA_TYPE,
    InternalError,
    MethodNotAllowed,
    QuotaExceeded,
    RouteNotFound,
    TiroError,
)
from tiro.settings import ApiSettings

MISTAKE = "This is our mistake, and it is in the log under this request_id. Try again."


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer a call of the REST API. Whatever fails, also before any route runs, becomes a problem document."""
    try:
        return _answer(event, context)
    except Exception:
        # The settings or the event itself: nothing that needs them works, Tiro's own logger included.
        request_id = str((event.get("requestContext") or {}).get("requestId") or "")
        logging.getLogger("api").exception("the API's function failed before a route ran: request_id %s", request_id)
        problem = InternalError(MISTAKE).problem(request_id=request_id)
        headers = {"Content-Type": [PROBLEM_MEDIA_TYPE], "Retry-After": ["2"], "Access-Control-Allow-Origin": ["*"]}
        return {"statusCode": 500, "multiValueHeaders": headers, "body": problem.model_dump_json()}


def _answer(event: dict[str, Any], context: object) -> dict[str, Any]:
    """HEAD is answered as GET is, less the body (RFC 9110, section 9.3.2)."""
    is_head = event["httpMethod"] == "HEAD"
    asked = event | {"httpMethod": "GET"} if is_head else event
    answer = app().resolve(asked, context)  # type: ignore[arg-type]  # Powertools wants its own LambdaContext
    if is_head:
        answer |= {"body": "", "isBase64Encoded": False}
    return let_pages_read(answer, event, wiring.settings(ApiSettings).origins)


@cache
def app() -> APIGatewayRestResolver:
    app = APIGatewayRestResolver()
    app.use([check_scope, check_request])
    for noun in (about, audio, batches, deliveries, jobs, media, models, transcripts, uploads, webhooks):
        app.include_router(noun.router)

    @app.not_found
    def no_route(_: NotFoundError) -> Response[str]:
        methods = ", ".join(allowed(app, app.current_event.path))
        if not methods:
            return problem_reply(RouteNotFound(), _request_id(app), for_openai=True)
        return _refuse(app, MethodNotAllowed(f"This route takes {methods}."), allow=methods)

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def failed(error: Exception) -> Response[str]:
        if not isinstance(error, TiroError):
            wiring.logger("api").exception("unexpected", extra={"request_id": _request_id(app)})
            error = InternalError(MISTAKE)
        return _refuse(app, error)

    return app


def _refuse(app: APIGatewayRestResolver, error: TiroError, *, allow: str = "") -> Response[str]:
    """Answer with an error, in the shape that the callers of its route read."""
    request_id, path = _request_id(app), app.current_event.path
    if path.startswith(audio.PREFIX):
        wait = {"retry_after": error.retry_after} if isinstance(error, QuotaExceeded) else {}
        return openai_reply(error.problem(request_id=request_id), request_id, allow=allow, **wait)
    return problem_reply(error, request_id, allow=allow, for_openai=path.startswith(models.PREFIX))


def _request_id(app: APIGatewayRestResolver) -> str:
    return str(app.current_event.request_context.request_id)
