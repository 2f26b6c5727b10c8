"""Say where deliveries go; try it, change the secret, stop."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api import idempotency
from functions.api.description import Answer, describe
from functions.api.replies import owner_of
from functions.api.seats import seat
from tiro import service
from tiro.delivery import AttemptView
from tiro.errors import InvalidRequest, MalformedBody, Throttled, TooManyWebhooks, WebhookNotFound
from tiro.key import Scope
from tiro.request import parse_body
from tiro.settings import ApiSettings
from tiro.webhook import (
    Endpoint,
    EndpointList,
    EndpointMade,
    EndpointRequest,
    EndpointView,
    show_secret,
    view_endpoint,
)

router = Router()


@router.post("/v1/webhooks")
@describe(
    "Register a webhook endpoint",
    about="It hears of all your jobs from now on. The secret in the answer signs what it is sent, and is shown this "
    "once. Without `events` it hears of jobs that came to their end.",
    scope=Scope.WEBHOOKS,
    body=EndpointRequest,
    example={"url": "https://example.com/tiro", "events": ["transcription.completed", "transcription.failed"]},
    parameters=(idempotency.KEY,),
    answers={201: Answer(model=EndpointMade, headers=("Location",))},
    problems=(MalformedBody, InvalidRequest, TooManyWebhooks, *idempotency.PROBLEMS),
)
def register() -> Response[str]:
    config: ApiSettings = wiring.settings(ApiSettings)
    owner = owner_of(router)

    def make(made_id: str) -> Response[str]:
        made = service.register(
            parse_body(EndpointRequest, router.current_event.decoded_body),
            owner=owner,
            endpoint_id=f"wh_{made_id}",
            endpoints=wiring.endpoints(),
            clock=wiring.clock(),
            settings=config,
        )
        return _made(made)

    def find(made_id: str) -> Response[str] | None:
        try:
            return _made(wiring.endpoints().get(owner, f"wh_{made_id}"))
        except WebhookNotFound:
            return None

    return idempotency.once(router, make, find)


def _made(endpoint: Endpoint) -> Response[str]:
    headers = {"Location": f"/v1/webhooks/{endpoint.id}"}
    return Response(HTTPStatus.CREATED, "application/json", show_secret(endpoint).model_dump_json(), headers)


@router.get("/v1/webhooks")
@describe("List your webhook endpoints", scope=Scope.WEBHOOKS, answers={200: EndpointList})
def list_() -> Response[str]:
    found = EndpointList(data=tuple(view_endpoint(one) for one in wiring.endpoints().list(owner_of(router))))
    return Response(HTTPStatus.OK, "application/json", found.model_dump_json())


@router.get("/v1/webhooks/<endpoint_id>")
@describe("See a webhook endpoint", scope=Scope.WEBHOOKS, answers={200: EndpointView}, problems=(WebhookNotFound,))
def get(endpoint_id: str) -> Response[str]:
    found = view_endpoint(wiring.endpoints().get(owner_of(router), endpoint_id))
    return Response(HTTPStatus.OK, "application/json", found.model_dump_json())


@router.delete("/v1/webhooks/<endpoint_id>")
@describe(
    "Remove a webhook endpoint",
    about="What was on its way to it is not sent any more.",
    scope=Scope.WEBHOOKS,
    answers={204: Answer(about="It is gone, or never was.")},
)
def delete(endpoint_id: str) -> Response[str]:
    wiring.endpoints().delete(owner_of(router), endpoint_id)
    return Response(HTTPStatus.NO_CONTENT, None, "")


@router.post("/v1/webhooks/<endpoint_id>/rotate")
@describe(
    "Give a webhook endpoint a new secret",
    about="For 24 hours the one before it signs too: each delivery then carries two signatures.",
    scope=Scope.WEBHOOKS,
    answers={200: EndpointMade},
    problems=(WebhookNotFound,),
)
def rotate(endpoint_id: str) -> Response[str]:
    rotated = service.rotate(endpoint_id, owner=owner_of(router), endpoints=wiring.endpoints(), clock=wiring.clock())
    return Response(HTTPStatus.OK, "application/json", show_secret(rotated).model_dump_json())


@router.post("/v1/webhooks/<endpoint_id>/test")
@describe(
    "Try a webhook endpoint",
    about="Sends it the news of a job that never was, now and once, and tells what it answered. An endpoint that was "
    "disabled is open again when it takes it.",
    scope=Scope.WEBHOOKS,
    answers={200: AttemptView},
    problems=(WebhookNotFound, Throttled),
)
def test(endpoint_id: str) -> Response[str]:
    config: ApiSettings = wiring.settings(ApiSettings)
    owner = owner_of(router)
    # Who waits for a slow receiver waits where others wait: so many at once, and no more.
    with seat(owner, wiring.clock().now() + timedelta(seconds=config.delivery_seconds + 5)):
        made = service.try_out(
            endpoint_id,
            owner=owner,
            endpoints=wiring.endpoints(),
            notifier=wiring.notifier(),
            clock=wiring.clock(),
        )
    answer = AttemptView(**made.model_dump())
    return Response(HTTPStatus.OK, "application/json", answer.model_dump_json())
