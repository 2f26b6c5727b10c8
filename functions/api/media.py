"""Play a recording."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import describe
from functions.api.replies import owner_of
from tiro import service
from tiro.errors import JobGone, JobNotFound, MediaNotFound
from tiro.job import MediaLink
from tiro.key import Scope
from tiro.settings import ApiSettings

router = Router()


@router.get("/v1/transcriptions/<job_id>/media")
@describe(
    "Get an address to play the recording from",
    about="For an hour, by whoever has the address, without a key: for a player on a page, which sends none.",
    scope=Scope.READ,
    answers={200: MediaLink},
    problems=(JobNotFound, JobGone, MediaNotFound),
)
def link(job_id: str) -> Response[str]:
    config: ApiSettings = wiring.settings(ApiSettings)
    job = service.find(job_id, owner=owner_of(router), jobs=wiring.jobs())
    lent = service.lend_media(job, media=wiring.media(config.media_bucket), clock=wiring.clock())
    return Response(HTTPStatus.OK, "application/json", lent.model_dump_json())
