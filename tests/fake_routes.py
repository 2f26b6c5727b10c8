"""The routes of the fake API, by the contracts of the real one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel

from tests.factories import NOW
from tests.fake_api import Asked, FakeApi
from tiro.batch import BatchItem, BatchMade, BatchRequest, BatchView
from tiro.delivery import AttemptView, DeliveryList, DeliveryState, DeliveryView
from tiro.errors import NotRetryable, RouteNotFound, WebhookNotFound
from tiro.job import JobStatus, MediaLink, view
from tiro.listing import JobListView, JobSummary
from tiro.model import find_model, list_models
from tiro.request import parse_body
from tiro.upload import PartUrls
from tiro.webhook import EndpointList, EndpointMade, EndpointRequest, EventType

MODELS = ("base", "large-v3")
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def _told(model: BaseModel, status: int = 200) -> Reply:
    return Reply(status, model.model_dump_json().encode())


def route(api: FakeApi, asked: Asked) -> Reply:
    """Answer a call. Raises TiroError."""
    url = urlsplit(asked.path)
    pieces = [unquote(piece) for piece in url.path.strip("/").split("/")]
    if pieces[:2] != ["prod", "v1"]:
        raise RouteNotFound
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    match [asked.method, *pieces[2:]]:
        case [_, "transcriptions", *_]:
            return _jobs(api, asked, pieces[3:], query)
        case [_, "webhooks", *_]:
            return _webhooks(api, asked, pieces[3:])
        case ["POST", "batches"]:
            return _batch(api, asked)
        case ["GET", "batches", batch_id]:
            counts = {status: sum(job.status is status for job in api.jobs.values()) for status in JobStatus}
            jobs = len(api.jobs)
            return _told(BatchView(id=batch_id, created_at=NOW, sources=jobs, refused=0, counts=counts, done=False))
        case ["GET", "models"]:
            return _told(list_models(MODELS))
        case ["GET", "models", model]:
            return _told(find_model(model, MODELS))
    raise RouteNotFound


def _jobs(api: FakeApi, asked: Asked, pieces: list[str], query: dict[str, str]) -> Reply:
    key = asked.headers.get("idempotency-key", "")
    match [asked.method, *pieces]:
        case ["POST"]:
            made, upload = api.create(asked.body, key)
            return _told(view(made, upload=upload), 202)
        case ["GET"]:
            return _page(api, query)
        case ["GET", job_id]:
            job, run = api.look(job_id)
            hint = {} if job.status.terminal else {"Retry-After": "1"}
            return Reply(200, view(job, run).model_dump_json().encode(), headers=hint)
        case ["DELETE", job_id]:
            api.jobs[job_id] = api.find(job_id).model_copy(update={"deleted_at": NOW})
            return Reply(204)
        case ["POST", job_id, "cancel"]:
            api.jobs[job_id] = api.find(job_id).cancelled(at=NOW)
            return _told(view(api.jobs[job_id]))
        case ["POST", job_id, "retry"]:
            return _retry(api, job_id, key)
        case ["GET", job_id, "transcript"]:
            return _transcript(api, job_id, query["format"])
        case [_, _, *_]:
            return _more(api, asked, pieces)
    raise RouteNotFound


def _retry(api: FakeApi, job_id: str, key: str) -> Reply:
    if api.find(job_id).status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise NotRetryable
    made, _ = api.create(b'{"source": {"s3": "s3://media/again"}}', key)
    return _told(view(made.model_copy(update={"retry_of": job_id})), 202)


def _transcript(api: FakeApi, job_id: str, form: str) -> Reply:
    kind, text = api.read(job_id, form)
    if api.lends:
        return Reply(303, b"", kind, {"Location": f"{api.url}/lent/{job_id}/{form}"})
    return Reply(200, text.encode(), kind)


def _more(api: FakeApi, asked: Asked, pieces: list[str]) -> Reply:
    match [asked.method, *pieces]:
        case ["GET", job_id, "media"]:
            return _told(MediaLink(url=f"{api.url}/media/{job_id}", content_type="audio/mpeg", expires_at=NOW))
        case ["GET", job_id, "upload"]:
            return _told(api.upload_state(job_id))
        case ["POST", job_id, "upload", "parts"]:
            urls = tuple(api.part_url(job_id, number) for number in json.loads(asked.body)["numbers"])
            return _told(PartUrls(urls=urls, expires_at=NOW))
        case ["POST", job_id, "upload", "complete"]:
            return _told(view(api.complete(job_id)), 202)
        case ["GET", _, "deliveries"]:
            return _told(DeliveryList(data=(_delivery(),)))
        case ["POST", _, "deliveries", _, "redeliver"]:
            return _told(_delivery(), 202)
    raise RouteNotFound


def _page(api: FakeApi, query: dict[str, str]) -> Reply:
    """The cursor is how many jobs were told before."""
    after, limit = int(query.get("cursor", 0)), int(query.get("limit", 20))
    wanted = [job for job in reversed(api.jobs.values()) if query.get("status") in (None, job.status.value)]
    more = str(after + limit) if len(wanted) > after + limit else None
    told = tuple(JobSummary.of(job) for job in wanted[after : after + limit])
    return _told(JobListView(data=told, next_cursor=more))


def _batch(api: FakeApi, asked: Asked) -> Reply:
    request = parse_body(BatchRequest, asked.body)
    items = []
    for index, source in enumerate(request.sources or ()):
        body = {"source": source.model_dump(exclude_none=True)}
        if source.s3:
            body["source"] = {"s3": f"s3://{source.s3.bucket}/{source.s3.key}"}
        job, upload = api.create(json.dumps(body).encode(), f"{asked.headers['idempotency-key']}-{index}")
        items.append(BatchItem(index=index, job_id=job.id, upload=upload))
    more = "more" if request.prefix and not request.cursor else None
    told = {"accepted": len(items), "refused": 0, "results": tuple(items), "next_cursor": more}
    return _told(BatchMade(id="b-1", created_at=NOW, **told), 202)


def _webhooks(api: FakeApi, asked: Asked, pieces: list[str]) -> Reply:
    match [asked.method, *pieces]:
        case ["POST"]:
            request = parse_body(EndpointRequest, asked.body)
            made = EndpointMade(
                id=f"wh_{len(api.endpoints)}",
                **request.model_dump(),
                created_at=NOW,
                disabled_at=None,
                disabled_because=None,
                old_secret_until=None,
                secret=SECRET,
            )
            api.endpoints[made.id] = made
            return _told(made, 201)
        case ["GET"]:
            return _told(EndpointList(data=tuple(api.endpoints.values())))
        case ["DELETE", endpoint_id]:
            api.endpoints.pop(endpoint_id, None)
            return Reply(204)
        case [_, endpoint_id, *_] if endpoint_id not in api.endpoints:
            raise WebhookNotFound(f"You have no webhook endpoint {endpoint_id!r}.")
        case ["GET", endpoint_id] | ["POST", endpoint_id, "rotate"]:
            return _told(api.endpoints[endpoint_id])
        case ["POST", _, "test"]:
            return _told(AttemptView(at=NOW, milliseconds=3, status=500, error="It answered 500."))
    raise RouteNotFound


def _delivery() -> DeliveryView:
    return DeliveryView(
        id="dlv_1",
        event="evt_1",
        type=EventType.COMPLETED,
        endpoint="wh_0",
        url=None,
        state=DeliveryState.DELIVERED,
        created_at=NOW,
        next_attempt_at=None,
        attempts=(AttemptView(at=NOW, milliseconds=1, status=204, error=None),),
    )
