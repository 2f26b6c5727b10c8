"""Where an owner wants to be told: endpoints come, go, get new secrets and are tried."""

from __future__ import annotations

from contextlib import suppress

from tiro.address import Address, Reach
from tiro.delivery import Attempt, Delivery, Event, sign
from tiro.errors import (
    AddressRefused,
    Conflict,
    FieldProblem,
    InvalidRequest,
    ServiceUnavailable,
    TooManyWebhooks,
    WebhookNotFound,
)
from tiro.job import Job, JobStatus
from tiro.message import DeliveryMessage
from tiro.ports import Clock, DeliveryQueue, DeliveryStore, EndpointStore, Notifier
from tiro.service.deliver import LOOK_AGAIN, attempt
from tiro.settings import DeliverySettings
from tiro.signature import SECRET_BYTES, new_secret
from tiro.webhook import MOST_ENDPOINTS, Endpoint, EndpointRequest, EventType, JobWebhook

TRIES = 5


def register(
    request: EndpointRequest,
    *,
    owner: str,
    endpoint_id: str,
    endpoints: EndpointStore,
    clock: Clock,
    settings: DeliverySettings,
) -> Endpoint:
    """Make an endpoint with a secret of its own. Raises InvalidRequest, TooManyWebhooks, or Conflict for its id."""
    _check_url(request.url, "/url", settings)
    if len(endpoints.list(owner)) >= MOST_ENDPOINTS:
        raise TooManyWebhooks(f"You have {MOST_ENDPOINTS} webhook endpoints. Delete one first.")
    endpoint = Endpoint(
        id=endpoint_id,
        owner=owner,
        url=request.url,
        events=tuple(kind for kind in EventType if kind in request.events),
        description=request.description,
        created_at=clock.now(),
        secret=_secret(clock),
    )
    endpoints.create(endpoint)
    return endpoint


def rotate(endpoint_id: str, *, owner: str, endpoints: EndpointStore, clock: Clock) -> Endpoint:
    """Give an endpoint a new secret; the one before it signs too for a day. Raises WebhookNotFound."""
    for _ in range(TRIES):
        before = endpoints.get(owner, endpoint_id)
        with suppress(Conflict):
            endpoints.save(before, after := before.rotated(_secret(clock), at=clock.now()))
            return after
    raise ServiceUnavailable("The endpoint changes too fast. Try again in a moment.")


def try_out(endpoint_id: str, *, owner: str, endpoints: EndpointStore, notifier: Notifier, clock: Clock) -> Attempt:
    """Tell an endpoint of a job that never was, and return what came of it; success opens a disabled one again.

    Raises WebhookNotFound.
    """
    endpoint, now = endpoints.get(owner, endpoint_id), clock.now()
    job_id = "0" * 26
    event = Event(
        id=f"evt_test_{clock.entropy().hex()}",
        type=EventType.COMPLETED,
        at=now,
        owner=owner,
        job_id=job_id,
        status=JobStatus.COMPLETED,
        source="upload",
        metadata={"test": "true"},
    )
    body = event.body()
    headers = sign(body, message_id=event.id, at=now, secrets=endpoint.secrets(at=now))
    made, _ = attempt(endpoint.url, headers, body, notifier=notifier, clock=clock)
    if made.succeeded and endpoint.disabled_at:
        with suppress(Conflict):
            endpoints.save(endpoint, endpoint.enabled())
    return made


def check_webhook(
    webhook: JobWebhook | None, *, owner: str, endpoints: EndpointStore, settings: DeliverySettings
) -> None:
    """Raises InvalidRequest unless a job's own webhook is an endpoint of the owner's, or an address to be reached."""
    if webhook and webhook.url:
        _check_url(webhook.url, "/webhook/url", settings)
    elif webhook and webhook.endpoint:
        try:
            endpoints.get(owner, webhook.endpoint)
        except WebhookNotFound as error:
            raise _wrong("/webhook/endpoint", str(error)) from None


def redeliver(job: Job, delivery_id: str, *, deliveries: DeliveryStore, queue: DeliveryQueue, clock: Clock) -> Delivery:
    """Send a delivery again now, and by its schedule from there. Raises DeliveryNotFound."""
    for _ in range(TRIES):
        before, now = deliveries.get(job.id, delivery_id), clock.now()
        with suppress(Conflict):
            deliveries.save(before, after := before.renewed(at=now, look_at=now + LOOK_AGAIN))
            queue.send(DeliveryMessage(job_id=job.id, delivery_id=after.id, revision=after.revision), owner=job.owner)
            return after
    raise ServiceUnavailable("The delivery changes too fast. Try again in a moment.")


def _check_url(url: str, pointer: str, settings: DeliverySettings) -> None:
    """Where a name leads is seen when it is called; what the URL alone tells is told at once."""
    address = Address.parse(url)
    if address.scheme not in settings.webhook_schemes:
        raise _wrong(pointer, f"a webhook's address begins with {' or '.join(settings.webhook_schemes)}://")
    try:
        Reach.of(settings.allow_networks).check(address)
    except AddressRefused as error:
        raise _wrong(pointer, str(error)) from None


def _wrong(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(f"{pointer}: {detail}", errors=(FieldProblem(pointer=pointer, detail=detail),))


def _secret(clock: Clock) -> str:
    return new_secret((clock.entropy() + clock.entropy())[:SECRET_BYTES])
