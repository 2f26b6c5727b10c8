"""Submit a recording; see what became of it, of all of them; cancel, delete, try again."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import Field

from functions import wiring
from functions.api import idempotency
from functions.api.conditional import IF_NONE_MATCH, tag_of, tagged
from functions.api.description import Answer, Parameter, describe
from functions.api.preferences import PREFER, wait_for_end
from functions.api.replies import job_reply, owner_of, reopen, trace_of_call
from tiro import service
from tiro.call import Answer as Given
from tiro.errors import (
    AddressRefused,
    InvalidRequest,
    JobFinished,
    JobGone,
    JobNotFound,
    MalformedBody,
    MediaEmpty,
    MediaNotFound,
    MediaTooLarge,
    ModelNotFound,
    NotRetryable,
    QuotaExceeded,
    SourceForbidden,
    TransientError,
)
from tiro.job import Job, JobStatus, JobView
from tiro.key import Scope
from tiro.listing import JobListView, ListQuery, parse_query
from tiro.quota import Quota
from tiro.request import TranscriptionRequest, parse_request
from tiro.settings import ApiSettings
from tiro.upload import Upload

router = Router()

UNKNOWN = (JobNotFound, JobGone)

MADE = Answer(
    model=JobView, headers=("Location", "Retry-After", "RateLimit-Policy", "RateLimit"), about="A job was made."
)
DONE = Answer(
    model=JobView,
    headers=("Location", "Preference-Applied", "RateLimit-Policy", "RateLimit"),
    about="A job was made, and came to its end while the call waited.",
)

_FILTERS: dict[str, Any] = {
    "status": JobStatus,
    "batch": str,
    "created_after": datetime,
    "created_before": datetime,
    "limit": Annotated[int, Field(ge=1)],
    "cursor": str,
}

PASSING: Any = {"progress": {"eta_seconds"}, "own_jobs_ahead": True, "estimated_wait_seconds": True}
"""What changes by itself from second to second, and makes an answer no other one."""


@router.post("/v1/transcriptions")
@describe(
    "Submit a recording",
    scope=Scope.TRANSCRIBE,
    body=TranscriptionRequest,
    example={"source": {"upload": {"filename": "talk.mp3", "content_type": "audio/mpeg"}}, "language": "en"},
    parameters=(idempotency.KEY, PREFER),
    answers={202: MADE, 200: DONE},
    problems=(
        *(MalformedBody, InvalidRequest, AddressRefused, SourceForbidden, MediaNotFound, MediaEmpty, MediaTooLarge),
        *(ModelNotFound, QuotaExceeded, *idempotency.PROBLEMS),
    ),
)
def submit() -> Response[str]:
    config, owner = _config(), owner_of(router)

    def make(job_id: str) -> Response[str]:
        request = parse_request(router.current_event.decoded_body)
        service.check_webhook(request.webhook, owner=owner, endpoints=wiring.endpoints(), settings=config)
        limits = _check_quota(owner)
        job, upload = service.submit(
            request,
            owner=owner,
            jobs=wiring.jobs(),
            media=wiring.media(config.media_bucket),
            queue=wiring.queue(config.queue_url, config.batch_queue_url),
            fetches=wiring.fetch_queue(config.fetch_queue_url),
            parts=wiring.parts(config.media_bucket),
            clock=wiring.clock(),
            settings=config,
            job_id=job_id,
            trace=trace_of_call(router),
        )
        return _made(job, upload, limits)

    return _wait(idempotency.once(router, make, _made_before, _renew))


@router.get("/v1/transcriptions")
@describe(
    "List your jobs",
    about="The newest first. A page may have fewer jobs than `limit`, even none, and still not be the last: go on "
    "while there is a `next_cursor`. A job appears a moment after it was made.",
    scope=Scope.READ,
    parameters=tuple(
        Parameter(name=name, type=_FILTERS[name], about=field.description or "")
        for name, field in ListQuery.model_fields.items()
    ),
    answers={200: Answer(model=JobListView, headers=("Link",))},
    problems=(InvalidRequest,),
)
def list_() -> Response[str]:
    query = parse_query(router.current_event["multiValueQueryStringParameters"] or {})
    page = service.list_jobs(
        query, owner=owner_of(router), index=wiring.index(), usage=wiring.usage(), clock=wiring.clock()
    )
    headers = {}
    if page.next_cursor:
        next_page = query.model_copy(update={"cursor": page.next_cursor}).as_query()
        headers["Link"] = f'</v1/transcriptions?{next_page}>; rel="next"'
    return Response(HTTPStatus.OK, "application/json", page.model_dump_json(), headers)


@router.get("/v1/transcriptions/<job_id>")
@describe(
    "See what became of a recording",
    scope=Scope.READ,
    parameters=(PREFER, IF_NONE_MATCH),
    answers={
        200: Answer(model=JobView, headers=("Retry-After", "ETag", "Preference-Applied")),
        304: Answer(headers=("Retry-After", "ETag", "Preference-Applied"), about="It is as you know it."),
    },
    problems=UNKNOWN,
)
def get(job_id: str) -> Response[str]:
    job, applied = wait_for_end(router, _find(job_id))
    if job.deleted_at:
        raise service.gone(job)
    reply = job_reply(job, HTTPStatus.OK)
    reply.headers.update(applied)
    lasting = JobView.model_validate_json(reply.body or "").model_dump_json(exclude=PASSING)
    return tagged(router, reply, tag_of(lasting, weak=True))


@router.post("/v1/transcriptions/<job_id>/cancel")
@describe(
    "Cancel a job",
    about="At any time, and more than once. What it has cost until then is spent; a worker stops within seconds. "
    "The job stays, as `cancelled`.",
    scope=Scope.TRANSCRIBE,
    answers={200: JobView},
    problems=(*UNKNOWN, JobFinished),
)
def cancel(job_id: str) -> Response[str]:
    job = service.cancel(
        _find(job_id),
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        parts=wiring.parts(_config().media_bucket),
        clock=wiring.clock(),
    )
    return job_reply(job, HTTPStatus.OK)


@router.delete("/v1/transcriptions/<job_id>")
@describe(
    "Delete a job",
    about="And the recording that came in by it, and its transcript; a running one is cancelled first. For 30 days "
    "its id answers 410, to GET; DELETE may be repeated.",
    scope=Scope.TRANSCRIBE,
    answers={204: Answer(about="It is gone.")},
    problems=(JobNotFound,),
)
def delete(job_id: str) -> Response[str]:
    config = _config()
    service.delete(
        service.find_even_gone(job_id, owner=owner_of(router), jobs=wiring.jobs()),
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        media=wiring.media(config.media_bucket),
        transcripts=wiring.transcripts(config.transcript_bucket),
        parts=wiring.parts(config.media_bucket),
        deliveries=wiring.deliveries(),
        clock=wiring.clock(),
    )
    return Response(HTTPStatus.NO_CONTENT, None, "")


@router.post("/v1/transcriptions/<job_id>/retry")
@describe(
    "Try a job again",
    about="One that failed or was cancelled, while its recording is there. It makes a new job with the same recording "
    "and options, whose `retry_of` names this one.",
    scope=Scope.TRANSCRIBE,
    parameters=(idempotency.KEY, PREFER),
    answers={202: MADE, 200: DONE},
    problems=(
        *(*UNKNOWN, NotRetryable, MediaNotFound, AddressRefused),
        *(QuotaExceeded, InvalidRequest, *idempotency.PROBLEMS),
    ),
)
def retry(job_id: str) -> Response[str]:
    config, ended = _config(), _find(job_id)

    def make(new_id: str) -> Response[str]:
        limits = _check_quota(ended.owner)
        job = service.retry(
            ended,
            jobs=wiring.jobs(),
            media=wiring.media(config.media_bucket),
            queue=wiring.queue(config.queue_url, config.batch_queue_url),
            fetches=wiring.fetch_queue(config.fetch_queue_url),
            clock=wiring.clock(),
            settings=config,
            job_id=new_id,
        )
        return _made(job, None, limits)

    return _wait(idempotency.once(router, make, _made_before, _renew))


# ---------------------------------------------------------------- what they have in common


def _config() -> ApiSettings:
    config: ApiSettings = wiring.settings(ApiSettings)
    return config


def _find(job_id: str) -> Job:
    return service.find(job_id, owner=owner_of(router), jobs=wiring.jobs())


def _check_quota(owner: str) -> dict[str, str]:
    """Return what is left of an owner's quotas, this call counted, as headers. Raises QuotaExceeded."""
    quota, clock = Quota.of(_config()), wiring.clock()
    used = service.check_quota(owner, usage=wiring.usage(), clock=clock, quota=quota)
    return quota.headers(used.plus_one(), at=clock.now())


def _made(job: Job, upload: Upload | None, limits: dict[str, str]) -> Response[str]:
    reply = job_reply(job, HTTPStatus.ACCEPTED, upload)
    reply.headers.update(limits)
    return reply


def _made_before(job_id: str) -> Response[str] | None:
    """Answer with the job that an attempt of this very call made before it died, if it did. Raises JobGone."""
    try:
        job = _find(job_id)
    except JobNotFound:
        return None
    quota, now = Quota.of(_config()), wiring.clock().now()
    return _made(job, reopen(job), quota.headers(wiring.usage().get(job.owner, at=now), at=now))


def _renew(given: Given) -> Given:
    """Sign the addresses anew to which a recording is to be sent, while it is awaited. Raises JobGone."""
    told = json.loads(given.body)
    upload = reopen(_find(told["id"]))
    return given.model_copy(
        update={"body": json.dumps(told | {"upload": upload.model_dump(mode="json")})} if upload else {}
    )


def _wait(made: Response[str]) -> Response[str]:
    """Hold the answer back until the job that was made is at its end, if the caller would rather wait."""
    told = json.loads(made.body or "")
    if told["upload"]:
        return made
    with suppress(TransientError):  # it is made: who is told that it is not makes another
        job, applied = wait_for_end(router, _find(told["id"]))
        if job.status.terminal and applied and not job.deleted_at:
            kept = {name: made.headers[name] for name in DONE.headers if name in made.headers}
            made = job_reply(job, HTTPStatus.OK)
            made.headers.update(kept)
        made.headers.update(applied)
    return made
