"""The HTTP door: parse, call the service, reply. A file per noun; this one puts them together."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions import wiring
from functions.api import about, audio, batches, deliveries, jobs, media, models, transcripts, uploads, webhooks
from functions.api.audio_replies import openai_reply
from functions.api.cors import let_pages_read
from functions.api.description import check_scope, check_text
from functions.api.replies import problem_reply
from tiro.errors import InternalError, QuotaExceeded, RouteNotFound, TiroError
from tiro.settings import ApiSettings


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    answer = app().resolve(event, context)  # type: ignore[arg-type]  # Powertools wants its own LambdaContext
    return let_pages_read(answer, event, wiring.settings(ApiSettings).origins)


@cache
def app() -> APIGatewayRestResolver:
    app = APIGatewayRestResolver()
    app.use([check_scope, check_text])
    for noun in (about, audio, batches, deliveries, jobs, media, models, transcripts, uploads, webhooks):
        app.include_router(noun.router)

    @app.not_found
    def no_route(_: NotFoundError) -> Response[str]:
        return problem_reply(RouteNotFound(), app.current_event.request_context.request_id)

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def failed(error: Exception) -> Response[str]:
        request_id = app.current_event.request_context.request_id
        if not isinstance(error, TiroError):
            wiring.logger("api").exception("unexpected", extra={"request_id": request_id})
            error = InternalError("This is our mistake, and it is in the log under this request_id. Try again.")
        if app.current_event.path.startswith(audio.PREFIX):
            wait = {"retry_after": error.retry_after} if isinstance(error, QuotaExceeded) else {}
            return openai_reply(error.problem(request_id=request_id), request_id, **wait)
        return problem_reply(error, request_id)

    return app
