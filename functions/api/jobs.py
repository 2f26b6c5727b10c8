"""Submit a recording; see what became of it."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.replies import job_reply, owner_of
from tiro import service
from tiro.request import parse_request
from tiro.settings import ApiSettings

router = Router()


@router.post("/v1/transcriptions")
def submit() -> Response[str]:
    config = wiring.settings(ApiSettings)
    job, upload = service.submit(
        parse_request(router.current_event.decoded_body),
        owner=owner_of(router),
        jobs=wiring.jobs(),
        media=wiring.media(config.media_bucket),
        queue=wiring.queue(config.queue_url),
        clock=wiring.clock(),
        settings=config,
    )
    return job_reply(job, HTTPStatus.ACCEPTED, upload)


@router.get("/v1/transcriptions/<job_id>")
def get(job_id: str) -> Response[str]:
    return job_reply(service.find(job_id, owner=owner_of(router), jobs=wiring.jobs()), HTTPStatus.OK)
