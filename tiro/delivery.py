"""Telling somebody: what is told of a job, when it is tried again, and what became of it. Pure.

An **event** is written with the very change of a job that it tells of. It becomes a **delivery** for every webhook that
wants to hear, and a delivery makes attempts until one succeeds, the schedule is over, or the receiver is gone for good.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from tiro.address import Address
from tiro.elapsed import elapsed
from tiro.job import Job, JobStatus
from tiro.signature import sign, verify
from tiro.stored import StoredModel as _Model
from tiro.webhook import EventType, JobWebhook

__all__ = ["SCHEDULE", "Attempt", "Delivery", "DeliveryState", "DeliveryView", "Event", "event_of", "sign", "verify"]

SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
"""Before each attempt, from the one before it on (Standard Webhooks, "Retry schedule"): 10 of them in 78 hours."""

LONGEST_WAIT = timedelta(hours=24)
"""What a receiver's `Retry-After` may ask for."""

THROTTLED = frozenset({429, 502, 504})
"""What says "too much at once" (Standard Webhooks, "Delivery"): it is left alone for at least QUIET."""

QUIET = timedelta(seconds=60)

GONE = 410
"""What says "never again"."""

MOST_BYTES = 20_000
"""Of a body (Standard Webhooks, "Payload size")."""

ATTEMPTS_KEPT = 30
"""In the log of a delivery, the latest ones: a schedule has 10, and a person may ask for more."""

KEPT = timedelta(days=30)
"""How long a delivery and its log are kept."""


class Event(_Model):
    """A job's change that somebody may want to hear of. `webhook` carries a secret: it is sent to nobody."""

    id: str
    type: EventType
    at: datetime
    owner: str
    job_id: str
    status: JobStatus
    source: str
    batch: str | None = None
    code: str | None = None  # of the problem, once failed
    title: str | None = None  # of the problem
    metadata: dict[str, str] = Field(default={})  # the caller's own
    webhook: JobWebhook | None = None  # where alone it is told
    trace: str | None = None  # of the job: tiro/trace.py
    worked_seconds: float | None = None  # that a worker took, once completed; sent to nobody

    def data(self) -> dict[str, Any]:
        """Return what is told: who and what, and where to read the rest."""
        path = f"/v1/transcriptions/{self.job_id}"
        return {
            "id": self.job_id,
            "status": self.status.value,
            "source": self.source,
            "batch": self.batch,
            "url": path,
            "transcript_url": f"{path}/transcript" if self.status is JobStatus.COMPLETED else None,
            "problem": {"code": self.code, "title": self.title} if self.code else None,
            "metadata": self.metadata,
        }

    def body(self) -> bytes:
        """Return what a webhook is sent, always the same. Metadata that makes it too large is left out."""
        data = self.data()
        body = self._body(data)
        return body if len(body) <= MOST_BYTES else self._body({k: v for k, v in data.items() if k != "metadata"})

    def _body(self, data: dict[str, Any]) -> bytes:
        told = {"type": self.type.value, "timestamp": self.at.isoformat(), "data": data}
        return json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


_TYPES = {
    JobStatus.QUEUED: EventType.QUEUED,
    JobStatus.COMPLETED: EventType.COMPLETED,
    JobStatus.FAILED: EventType.FAILED,
    JobStatus.CANCELLED: EventType.CANCELLED,
}


def event_of(before: Job | None, after: Job) -> Event | None:
    """Return what a change of a job has to tell, if anything.

    A job that a worker gave back is queued again, which is nobody's news.
    """
    if after.status not in _TYPES or (before and before.status is after.status):
        return None
    if before and before.status is JobStatus.PROCESSING and after.status is JobStatus.QUEUED:
        return None
    return Event(
        id=f"evt_{after.id}_{after.revision}",
        type=_TYPES[after.status],
        at=after.finished_at or after.queued_at or after.created_at,
        owner=after.owner,
        job_id=after.id,
        status=after.status,
        source=after.source,
        batch=after.batch,
        code=after.problem.code if after.problem else None,
        title=after.problem.title if after.problem else None,
        metadata=after.metadata,
        webhook=after.webhook,
        trace=after.trace_id,
        worked_seconds=_worked(after),
    )


def _worked(job: Job) -> float | None:
    if job.status is not JobStatus.COMPLETED or not job.started_at or not job.finished_at:
        return None
    return elapsed(job.started_at, job.finished_at).total_seconds()


class Attempt(_Model):
    """One try to tell. `status` is the receiver's answer, if there was one."""

    at: datetime
    milliseconds: int
    status: int | None = None  # of HTTP
    error: str | None = None  # why it does not count as told

    @property
    def succeeded(self) -> bool:
        """A redirect is none: it is not followed."""
        return self.status is not None and 200 <= self.status < 300


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(_Model):
    """An event on its way to one webhook. `revision` names the try that a message asks for."""

    id: str
    event: Event
    endpoint: str | None  # its id; None: the job's own webhook, which the event names
    state: DeliveryState = DeliveryState.PENDING
    revision: int = 1  # +1 with every stored change: the optimistic lock
    tries: int = 0  # begun since the schedule began
    next_at: datetime | None  # while pending: of the next try
    due_at: datetime | None  # while pending: when somebody has to look after it, should nobody have
    attempts: tuple[Attempt, ...] = ()
    created_at: datetime

    @classmethod
    def of(cls, event: Event, endpoint: str | None, *, at: datetime, look_at: datetime) -> Delivery:
        """Return the delivery of an event to an endpoint: the same for the same, whoever makes it."""
        name = hashlib.sha256(f"{event.id}\0{endpoint or ''}".encode()).hexdigest()[:32]
        return cls(id=f"dlv_{name}", event=event, endpoint=endpoint, next_at=at, due_at=look_at, created_at=at)

    @property
    def job_id(self) -> str:
        return self.event.job_id

    @property
    def exhausted(self) -> bool:
        return self.tries >= len(SCHEDULE)

    @property
    def outlives_its_job(self) -> bool:
        """Whether it stays when its job is deleted, until it was tried: that deleting cancels a job is still told."""
        return self.state is DeliveryState.PENDING and self.event.type is EventType.CANCELLED

    def begun(self, *, until: datetime) -> Delivery:
        """Somebody is at it, and if nothing is heard by then, or later if that was planned, somebody else will be.

        What was planned stays, since moving it in the index would cost more than all else that a try writes.
        """
        return self._with(tries=self.tries + 1, due_at=max(until, self.due_at or until))

    def passed_on(self, *, until: datetime) -> Delivery:
        """A new message was sent for it."""
        return self._with(due_at=until)

    def delayed(self, *, until: datetime, look_at: datetime, after: Attempt | None = None) -> Delivery:
        """It is tried later: `after` a try that failed, or without one, since the receiver wants to be left alone."""
        return self._with(next_at=until, due_at=look_at, attempts=self._log(after))

    def delivered(self, attempt: Attempt) -> Delivery:
        return self._ended(DeliveryState.DELIVERED, attempt)

    def failed(self, attempt: Attempt) -> Delivery:
        """It is tried no more."""
        return self._ended(DeliveryState.FAILED, attempt)

    def renewed(self, *, at: datetime, look_at: datetime) -> Delivery:
        """Somebody wants it sent again: the schedule begins anew."""
        return self._with(state=DeliveryState.PENDING, tries=0, next_at=at, due_at=look_at)

    def wait(self, attempt: Attempt, *, retry_after: timedelta | None, spread: float) -> timedelta:
        """Return how long until the next try. `spread` is 0 to 1, and keeps apart what failed together."""
        planned = SCHEDULE[min(self.tries, len(SCHEDULE) - 1)] * (0.9 + 0.2 * spread)
        return max(planned, quiet_for(attempt, retry_after=retry_after))

    def _ended(self, state: DeliveryState, attempt: Attempt) -> Delivery:
        return self._with(state=state, next_at=None, due_at=None, attempts=self._log(attempt))

    def _log(self, attempt: Attempt | None) -> tuple[Attempt, ...]:
        return (*self.attempts, attempt)[-ATTEMPTS_KEPT:] if attempt else self.attempts

    def _with(self, **changes: object) -> Delivery:
        return self.model_copy(update={"revision": self.revision + 1, **changes})


def quiet_for(attempt: Attempt, *, retry_after: timedelta | None) -> timedelta:
    """Return how long the receiver wants to be left alone; not at all, where it does not say so."""
    least = QUIET if attempt.status in THROTTLED else timedelta()
    return max(least, min(retry_after or timedelta(), LONGEST_WAIT))


# ---------------------------------------------------------------- what a caller sees of it


class AttemptView(_Model):
    at: datetime
    milliseconds: int  # until the receiver had answered, or was given up
    status: int | None  # that it answered; null where it did not
    error: str | None  # why it does not count


class DeliveryView(_Model):
    """A delivery as the API answers it: who was told what, and what became of each try. Never what was said."""

    id: str
    event: str  # its id: what receivers see as webhook-id
    type: EventType
    endpoint: str | None  # its id; null: the job's own webhook
    url: str | None  # of the job's own webhook, no more than scheme and host: the rest may let anybody in
    state: DeliveryState
    created_at: datetime
    next_attempt_at: datetime | None  # while pending; may be a minute later
    attempts: tuple[AttemptView, ...]  # oldest first, the latest 30


class DeliveryList(_Model):
    data: tuple[DeliveryView, ...]


def view_delivery(delivery: Delivery) -> DeliveryView:
    event = delivery.event
    return DeliveryView(
        **delivery.model_dump(include={"id", "endpoint", "state", "created_at", "attempts"}),
        event=event.id,
        type=event.type,
        url=_origin(event.webhook.url) if event.webhook and event.webhook.url and delivery.endpoint is None else None,
        next_attempt_at=delivery.next_at,
    )


def _origin(url: str) -> str:
    address = Address.parse(url)
    return f"{address.scheme}://{address.authority}"
