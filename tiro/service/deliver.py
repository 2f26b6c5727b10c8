"""A change of a job is told: event -> a delivery for each webhook -> tries, for days if it must be.

What makes a try happen once, more or less: a message names the delivery's revision, every step raises it, and a
message of an older one is a leftover. What makes it happen at all: a pending delivery is always on the index `due`,
where the schedule finds what nobody looked after, be the message lost or its function dead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiro.delivery import GONE, THROTTLED, Attempt, Delivery, DeliveryState, Event, quiet_for, sign
from tiro.elapsed import elapsed_ms
from tiro.errors import AddressRefused, Conflict, DeliveryNotFound, JobNotFound, PeerUnavailable, WebhookNotFound
from tiro.message import DeliveryMessage
from tiro.ports import Clock, DeliveryQueue, DeliveryStore, EndpointStore, JobStore, Notifier, Reply
from tiro.trace import traceparent
from tiro.webhook import ENDS, Endpoint

Change = Callable[[Endpoint], Endpoint]

LOOK_AGAIN = timedelta(minutes=15)
"""A message that was not taken by then is sent again."""

LEASE = timedelta(seconds=90)
"""Longer than a function that makes a try may run."""

LONGEST_DELAY = timedelta(seconds=900)
"""SQS may hold a message back for so long. What waits longer, waits on the index."""


def announce(
    event: Event, *, endpoints: EndpointStore, deliveries: DeliveryStore, queue: DeliveryQueue, clock: Clock
) -> Sequence[Delivery]:
    """Make a delivery for every webhook that wants to hear of it; the same event again makes no second one."""
    now = clock.now()
    made = [Delivery.of(event, target, at=now, look_at=now + LOOK_AGAIN) for target in _targets(event, endpoints)]
    for delivery in made:
        deliveries.create(delivery)
        # Also for one that was there: whoever made it may have died right here.
        queue.send(_message(delivery), owner=event.owner)
    return made


def _targets(event: Event, endpoints: EndpointStore) -> list[str | None]:
    """Return the endpoints that are told; None stands for the address that the job names."""
    webhook = event.webhook
    if webhook and webhook.url:
        return [None] if event.type in ENDS else []
    named = webhook.endpoint if webhook else None
    hearing = [endpoint.id for endpoint in endpoints.list(event.owner) if endpoint.hears(event.type)]
    return [target for target in hearing if named in (None, target)]


@dataclass(frozen=True)
class Target:
    """Where, and signed by what."""

    url: str
    secrets: tuple[str, ...]
    endpoint: Endpoint | None


@dataclass(frozen=True, kw_only=True)
class Deliverer:
    """Takes one message at a time. Raises ServiceUnavailable; the index then brings the delivery back."""

    jobs: JobStore
    deliveries: DeliveryStore
    endpoints: EndpointStore
    queue: DeliveryQueue
    notifier: Notifier
    clock: Clock

    def take(self, message: DeliveryMessage) -> Delivery | None:
        """Make one try; return what became of the delivery, None for a leftover."""
        try:
            delivery = self.deliveries.get(message.job_id, message.delivery_id)
        except DeliveryNotFound:
            return None
        if delivery.state is not DeliveryState.PENDING or delivery.revision != message.revision:
            return None
        try:
            tried = self._try(delivery)
        except Conflict:
            return None  # somebody else is at it
        # Asked after what became of it is written: whoever deletes the job from now on finds that, and removes it.
        if tried.attempts and self._is_deleted(tried.job_id):
            self.deliveries.remove(tried)
        return tried

    def _is_deleted(self, job_id: str) -> bool:
        try:
            return self.jobs.get(job_id).deleted_at is not None
        except JobNotFound:
            return False

    def _try(self, delivery: Delivery) -> Delivery:
        now = self.clock.now()
        target = self._target(delivery)
        if isinstance(target, str) or delivery.exhausted:
            why = target if isinstance(target, str) else "Every try was begun, and the last was never heard of again."
            return self._save(delivery, delivery.failed(Attempt(at=now, milliseconds=0, error=why)))
        if target.endpoint and target.endpoint.quiet_until and target.endpoint.quiet_until > now:
            until = target.endpoint.quiet_until + timedelta(seconds=30 * self._spread())
            return self._later(delivery, until - now)
        # Saved first: a message that comes twice finds that somebody is at it.
        begun = self._save(delivery, delivery.begun(until=now + LEASE))
        body = delivery.event.body()
        headers = sign(body, message_id=delivery.event.id, at=now, secrets=target.secrets)
        if trace := delivery.event.trace:
            headers = {**headers, "traceparent": traceparent(trace, delivery.id)}
        made, reply = attempt(target.url, headers, body, notifier=self.notifier, clock=self.clock)
        return self._conclude(begun, made, reply, target)

    def _target(self, delivery: Delivery) -> Target | str:
        """Return where it goes, or why it goes nowhere."""
        webhook, now = delivery.event.webhook, self.clock.now()
        if delivery.endpoint is None:
            if webhook is None or webhook.url is None or webhook.secret is None:
                return "The job names no address."
            return Target(webhook.url, (webhook.secret,), None)
        try:
            endpoint = self.endpoints.get(delivery.event.owner, delivery.endpoint)
        except WebhookNotFound:
            return "The endpoint was deleted."
        if endpoint.disabled_at:
            return f"The endpoint is disabled: {endpoint.disabled_because}"
        return Target(endpoint.url, endpoint.secrets(at=now), endpoint)

    def _conclude(self, delivery: Delivery, made: Attempt, reply: Reply | None, target: Target) -> Delivery:
        if made.succeeded:
            return self._save(delivery, delivery.delivered(made))
        if made.status == GONE:
            self._change(target, lambda endpoint: endpoint.disabled("It answered 410.", at=made.at))
            return self._save(delivery, delivery.failed(made))
        retry_after = reply.retry_after if reply else None
        if made.status in THROTTLED:
            until = self.clock.now() + quiet_for(made, retry_after=retry_after)
            self._change(target, lambda endpoint: endpoint.quiet(until=until))
        if delivery.exhausted:
            return self._save(delivery, delivery.failed(made))
        wait = delivery.wait(made, retry_after=retry_after, spread=self._spread())
        return self._later(delivery, wait, after=made)

    def _later(self, delivery: Delivery, wait: timedelta, *, after: Attempt | None = None) -> Delivery:
        """Have it tried again: soon by the queue, and by the index when it is later or the message is lost."""
        until, by_queue = self.clock.now() + wait, wait <= LONGEST_DELAY
        look_at = until + LOOK_AGAIN if by_queue else until
        delayed = self._save(delivery, delivery.delayed(until=until, look_at=look_at, after=after))
        if by_queue:
            seconds = math.ceil(wait.total_seconds())
            self.queue.send(_message(delayed), owner=delayed.event.owner, delay_seconds=seconds)
        return delayed

    def _change(self, target: Target, change: Change) -> None:
        """Note something at an endpoint; if it is being changed, this can be noted another time."""
        if target.endpoint:
            with suppress(Conflict):
                self.endpoints.save(target.endpoint, change(target.endpoint))

    def _save(self, before: Delivery, after: Delivery) -> Delivery:
        self.deliveries.save(before, after)
        return after

    def _spread(self) -> float:
        return self.clock.entropy()[-1] / 255


def attempt(
    url: str, headers: Mapping[str, str], body: bytes, *, notifier: Notifier, clock: Clock
) -> tuple[Attempt, Reply | None]:
    """Tell somebody once; return how it went, and the answer if there was one."""
    began = clock.now()
    try:
        reply = notifier.tell(url, headers, body)
    except (AddressRefused, PeerUnavailable) as error:
        return Attempt(at=began, milliseconds=_since(began, clock), error=str(error)), None
    made = Attempt(at=began, milliseconds=_since(began, clock), status=reply.status)
    return (made if made.succeeded else made.model_copy(update={"error": _said(reply.status)})), reply


def pass_on_due(
    *, deliveries: DeliveryStore, queue: DeliveryQueue, clock: Clock, limit: int = 1000, until: datetime | None = None
) -> int:
    """Queue the deliveries whose time has come; return how many. Stops at `until`, and the next call goes on."""
    passed_on = 0
    for delivery in deliveries.due(clock.now(), limit):
        if until and clock.now() >= until:
            break
        after = delivery.passed_on(until=clock.now() + LOOK_AGAIN)
        with suppress(Conflict):  # somebody is at it
            deliveries.save(delivery, after)
            queue.send(_message(after), owner=after.event.owner)
            passed_on += 1
    return passed_on


def _message(delivery: Delivery) -> DeliveryMessage:
    return DeliveryMessage(job_id=delivery.job_id, delivery_id=delivery.id, revision=delivery.revision)


def _since(began: datetime, clock: Clock) -> int:
    return elapsed_ms(began, clock.now()) or 0


def _said(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}, and a redirect is not followed."
    return f"It answered {status}."
