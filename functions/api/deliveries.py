"""Whom a job was told to, and what came of it."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import Answer, describe
from functions.api.replies import owner_of
from tiro import service
from tiro.delivery import DeliveryList, DeliveryView, view_delivery
from tiro.errors import DeliveryNotFound, JobGone, JobNotFound
from tiro.key import Scope
from tiro.settings import ApiSettings

router = Router()


@router.get("/v1/transcriptions/<job_id>/deliveries")
@describe(
    "See who was told",
    about="Every delivery of this job to a webhook, with each try: when, how long, what was answered. What was sent "
    "is not kept here.",
    scope=Scope.READ,
    answers={200: DeliveryList},
    problems=(JobNotFound, JobGone),
)
def list_(job_id: str) -> Response[str]:
    job = service.find(job_id, owner=owner_of(router), jobs=wiring.jobs())
    found = DeliveryList(data=tuple(view_delivery(one) for one in wiring.deliveries().of_job(job.id)))
    return Response(HTTPStatus.OK, "application/json", found.model_dump_json())


@router.post("/v1/transcriptions/<job_id>/deliveries/<delivery_id>/redeliver")
@describe(
    "Send a delivery again",
    about="At once, whatever became of it, and by the whole schedule if it fails. The receiver sees the same "
    "`webhook-id` as before.",
    scope=Scope.WEBHOOKS,
    answers={202: Answer(model=DeliveryView, about="It is on its way.")},
    problems=(JobNotFound, JobGone, DeliveryNotFound),
)
def redeliver(job_id: str, delivery_id: str) -> Response[str]:
    config: ApiSettings = wiring.settings(ApiSettings)
    delivery = service.redeliver(
        service.find(job_id, owner=owner_of(router), jobs=wiring.jobs()),
        delivery_id,
        deliveries=wiring.deliveries(),
        queue=wiring.delivery_queue(config.delivery_queue_url),
        clock=wiring.clock(),
    )
    return Response(HTTPStatus.ACCEPTED, "application/json", view_delivery(delivery).model_dump_json())
