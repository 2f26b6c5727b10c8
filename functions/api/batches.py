"""Submit many recordings at once; see how far they are."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import Answer, describe
from functions.api.replies import owner_of, trace_of_call
from tiro import service
from tiro.batch import BatchMade, BatchRequest, BatchView
from tiro.errors import BatchNotFound, InvalidRequest, MalformedBody, QuotaExceeded
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
    about="Up to 1,000 sources with the same options. Each becomes a job, or has a problem of its own.",
    scope=Scope.TRANSCRIBE,
    body=BatchRequest,
    example={"sources": [{"url": "https://example.com/1.mp3"}, {"s3": "s3://recordings/ada/2.mp3"}], "language": "en"},
    answers={202: Answer(model=BatchMade, headers=("Location",), about="A result for each source, in their order.")},
    problems=(MalformedBody, InvalidRequest, QuotaExceeded),
)
def submit() -> Response[str]:
    config: ApiSettings = wiring.settings(ApiSettings)
    owner, trace = owner_of(router), trace_of_call(router)

    def submit_one(request: TranscriptionRequest, batch_id: str) -> tuple[Job, Upload | None]:
        return service.submit(
            request,
            owner=owner,
            batch=batch_id,
            trace=trace,
            jobs=wiring.jobs(),
            media=wiring.media(config.media_bucket),
            queue=wiring.queue(config.queue_url),
            fetches=wiring.fetch_queue(config.fetch_queue_url),
            parts=wiring.parts(config.media_bucket),
            clock=wiring.clock(),
            settings=config,
        )

    request = parse_body(BatchRequest, router.current_event.decoded_body)
    service.check_webhook(request.webhook, owner=owner, endpoints=wiring.endpoints(), settings=config)
    service.check_quota(
        owner, usage=wiring.usage(), clock=wiring.clock(), quota=Quota.of(config), more=len(request.sources)
    )
    made = service.submit_batch(
        request,
        owner=owner,
        batches=wiring.batches(),
        submit=submit_one,
        clock=wiring.clock(),
    )
    headers = {"Location": f"/v1/batches/{made.id}"}
    return Response(HTTPStatus.ACCEPTED, "application/json", made.model_dump_json(), headers)


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
