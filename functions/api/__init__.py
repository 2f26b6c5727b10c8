"""The HTTP door: parse, call the service, reply. A file per noun; this one puts them together."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from functions import wiring
from functions.api import jobs, transcripts
from functions.api.replies import problem_reply
from tiro.errors import InternalError, RouteNotFound, TiroError


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return app().resolve(event, context)  # type: ignore[arg-type]  # Powertools wants its own LambdaContext


@cache
def app() -> APIGatewayRestResolver:
    app = APIGatewayRestResolver()
    for noun in (jobs, transcripts):
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
        return problem_reply(error, request_id)

    return app
