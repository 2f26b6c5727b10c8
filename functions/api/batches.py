"""Submit many recordings at once; see how far they are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api import idempotency
from functions.api.description import Answer, describe
from functions.api.replies import owner_of, reopen, trace_of_call
from tiro import service
from tiro.batch import BatchMade, BatchRequest, BatchView
from tiro.errors import (
    BatchNotFound,
    Conflict,
    InvalidRequest,
    MalformedBody,
    MediaNotFound,
    QuotaExceeded,
    SourceForbidden,
)
from tiro.job import Job
from tiro.key import Scope
from tiro.quota import Quota
from tiro.request import TranscriptionRequest, parse_body
from tiro.settings import ApiSettings
from tiro.upload import Upload

router = Router()


@router.post("/v1/batches")
@describe(
    "Submit many recordings",
    about="Up to 1,000 sources with the same options, or all that is under a prefix of a bucket, a thousand a call: "
    "send the same body with `next_cursor` as its `cursor` until there is none. Each becomes a job, or has a problem "
    "of its own.",
    scope=Scope.TRANSCRIBE,
    body=BatchRequest,
    example={"sources": [{"url": "https://example.com/1.mp3"}, {"s3": "s3://recordings/ada/2.mp3"}], "language": "en"},
    parameters=(idempotency.KEY,),
    answers={202: Answer(model=BatchMade, headers=("Location",), about="A result for each source, in their order.")},
    problems=(
        *(MalformedBody, InvalidRequest, QuotaExceeded, SourceForbidden, MediaNotFound),
        *idempotency.PROBLEMS,
    ),
)
def submit() -> Response[str]:
    owner = owner_of(router)
    uploads: dict[str, Upload | None] = {}

    def make(batch_id: str, *, begun: bool = False) -> Response[str]:
        request = parse_body(BatchRequest, router.current_event.decoded_body)
        made = _submit(request, batch_id, uploads, begun=begun)
        return Response(HTTPStatus.ACCEPTED, "application/json", made.model_dump_json(), _location(made))

    def go_on(batch_id: str) -> Response[str] | None:
        return make(batch_id, begun=True) if _is_begun(batch_id) else None

    # What is kept for a repeated call has no addresses in it: they do not last, and are too many to keep.
    kept = idempotency.once(router, make, go_on)
    made = service.with_uploads(
        BatchMade.model_validate_json(kept.body or ""),
        uploads,
        lambda job_id: reopen(service.find_even_gone(job_id, owner=owner, jobs=wiring.jobs())),
    )
    return Response(HTTPStatus.ACCEPTED, "application/json", made.model_dump_json(), _location(made))


def _is_begun(batch_id: str) -> bool:
    try:
        wiring.batches().get(batch_id)
    except BatchNotFound:
        return False
    return True


def _submit(request: BatchRequest, batch_id: str, uploads: dict[str, Upload | None], *, begun: bool) -> BatchMade:
    """Make the jobs; how their recordings are to be sent, if they are, goes into `uploads`, by their ids.

    A batch that an earlier attempt of the call has begun was let in whole: what is left of it is made, and no quota,
    which its own jobs may fill by now, is asked again.
    """
    config, owner, clock = _config(), owner_of(router), wiring.clock()
    trace = trace_of_call(router)

    def submit_one(wanted: TranscriptionRequest, batch: str, job_id: str) -> tuple[Job, Upload | None]:
        try:
            job, uploads[job_id] = _submit_one(wanted, batch, job_id, owner, trace)
        except Conflict:  # an earlier attempt of this very call made it
            job = service.find_even_gone(job_id, owner=owner, jobs=wiring.jobs())
        return job, None

    def check(more: int) -> None:
        if not begun:
            service.check_quota(owner, usage=wiring.usage(), clock=clock, quota=Quota.of(config), more=more)

    if not begun:
        service.check_webhook(request.webhook, owner=owner, endpoints=wiring.endpoints(), settings=config)
    common: dict[str, Any] = {
        "owner": owner,
        "batch_id": batch_id,
        "batches": wiring.batches(),
        "submit": submit_one,
        "clock": clock,
    }
    if request.prefix:
        media = wiring.media(config.media_bucket)
        return service.submit_prefix(request, media=media, check=check, settings=config, **common)
    check(len(request.sources or ()))
    return service.submit_batch(request, **common)


def _submit_one(
    wanted: TranscriptionRequest, batch: str, job_id: str, owner: str, trace: str | None
) -> tuple[Job, Upload | None]:
    config = _config()
    return service.submit(
        wanted,
        owner=owner,
        batch=batch,
        job_id=job_id,
        trace=trace,
        jobs=wiring.jobs(),
        media=wiring.media(config.media_bucket),
        queue=wiring.queue(config.queue_url, config.batch_queue_url),
        fetches=wiring.fetch_queue(config.fetch_queue_url),
        parts=wiring.parts(config.media_bucket),
        clock=wiring.clock(),
        settings=config,
    )


@router.get("/v1/batches/<batch_id>")
@describe(
    "See how far a batch is",
    scope=Scope.READ,
    answers={200: BatchView},
    problems=(BatchNotFound,),
)
def get(batch_id: str) -> Response[str]:
    found = service.find_batch(batch_id, owner=owner_of(router), batches=wiring.batches())
    return Response(HTTPStatus.OK, "application/json", found.model_dump_json())


def _location(made: BatchMade) -> dict[str, str]:
    return {"Location": f"/v1/batches/{made.id}"}


def _config() -> ApiSettings:
    config: ApiSettings = wiring.settings(ApiSettings)
    return config
