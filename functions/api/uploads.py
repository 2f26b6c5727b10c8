"""A large recording comes in parts."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import Answer, describe
from functions.api.replies import job_reply, owner_of
from tiro import service
from tiro.errors import InvalidRequest, JobNotFound, MalformedBody, NoUploadOpen
from tiro.job import Job, JobView
from tiro.key import Scope
from tiro.request import parse_body
from tiro.settings import ApiSettings
from tiro.upload import Completion, PartNumbers, PartUrls, UploadState

router = Router()

WRONG = (MalformedBody, InvalidRequest, JobNotFound, NoUploadOpen)


@router.get("/v1/transcriptions/<job_id>/upload")
@describe(
    "See which parts have come",
    about="An upload that broke off goes on with those that have not.",
    scope=Scope.TRANSCRIBE,
    answers={200: UploadState},
    problems=(JobNotFound, NoUploadOpen),
)
def state(job_id: str) -> Response[str]:
    found = service.upload_state(_find(job_id), parts=wiring.parts(_config().media_bucket))
    return Response(HTTPStatus.OK, "application/json", found.model_dump_json())


@router.post("/v1/transcriptions/<job_id>/upload/parts")
@describe(
    "Get addresses for parts",
    about="For those beyond the first hundred, and for those whose address expired.",
    scope=Scope.TRANSCRIBE,
    body=PartNumbers,
    example={"numbers": [101, 102]},
    answers={200: PartUrls},
    problems=WRONG,
)
def urls(job_id: str) -> Response[str]:
    job = _find(job_id)
    signed = service.part_urls(
        job,
        parse_body(PartNumbers, router.current_event.decoded_body),
        parts=wiring.parts(_config().media_bucket),
        clock=wiring.clock(),
        settings=_config(),
    )
    return Response(HTTPStatus.OK, "application/json", signed.model_dump_json())


@router.post("/v1/transcriptions/<job_id>/upload/complete")
@describe(
    "Complete an upload",
    about="All parts were sent. Without `parts` in the body, what S3 has of them is taken.",
    scope=Scope.TRANSCRIBE,
    body=Completion,
    example={"parts": [{"number": 1, "etag": '"9b2cf535f27731c974343645a3985328"'}]},
    answers={202: Answer(model=JobView, headers=("Location", "Retry-After"), about="It will be queued in a moment.")},
    problems=WRONG,
)
def complete(job_id: str) -> Response[str]:
    job = _find(job_id)
    asked = parse_body(Completion, router.current_event.decoded_body)
    service.complete_upload(job, asked, parts=wiring.parts(_config().media_bucket))
    return job_reply(job, HTTPStatus.ACCEPTED)


def _find(job_id: str) -> Job:
    return service.find(job_id, owner=owner_of(router), jobs=wiring.jobs())


def _config() -> ApiSettings:
    config: ApiSettings = wiring.settings(ApiSettings)
    return config
