"""What telling somebody needs: who wants to hear, a log of what was told, a queue, and a way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tiro.delivery import Delivery, Event
from tiro.message import DeliveryMessage
from tiro.webhook import Endpoint


class EndpointStore(Protocol):
    """The webhook endpoints of every owner."""

    def create(self, endpoint: Endpoint) -> None:
        """Once more is no error. Raises Conflict when there is another of this id."""
        ...

    def get(self, owner: str, endpoint_id: str) -> Endpoint:
        """Raises WebhookNotFound."""
        ...

    def list(self, owner: str) -> Sequence[Endpoint]:
        """Return an owner's endpoints, the oldest first."""
        ...

    def save(self, before: Endpoint, after: Endpoint) -> None:
        """Replace `before`, if it is still what is stored. Raises Conflict."""
        ...

    def delete(self, owner: str, endpoint_id: str) -> None:
        """It is no error when there is none."""
        ...


class DeliveryStore(Protocol):
    """The deliveries, each beside its job."""

    def create(self, delivery: Delivery) -> bool:
        """Store a delivery, and return True; False for one that is there, however far it is."""
        ...

    def get(self, job_id: str, delivery_id: str) -> Delivery:
        """Raises DeliveryNotFound."""
        ...

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        """Return a job's deliveries, the oldest first."""
        ...

    def forget(self, job_id: str) -> None:
        """Remove a job's deliveries, but for what outlives it, and the events that they were made of.

        It is no error when there are none.
        """
        ...

    def remove(self, delivery: Delivery) -> None:
        """It is no error when it is not there."""
        ...

    def save(self, before: Delivery, after: Delivery) -> None:
        """Replace `before`, if it is still what is stored. Raises Conflict."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return pending deliveries that somebody should have looked after before `now`, the most overdue first."""
        ...


class DeliveryQueue(Protocol):
    """What is to be told. At least once, in no order."""

    def send(self, message: DeliveryMessage, *, owner: str, delay_seconds: int = 0) -> None:
        """`delay_seconds` is at most 900."""
        ...


class EventBus(Protocol):
    """Where the other systems of the account hear of every job."""

    def publish(self, event: Event) -> None:
        """At least once. Raises ServiceUnavailable."""
        ...


@dataclass(frozen=True)
class Reply:
    """What a receiver answered."""

    status: int  # of HTTP
    retry_after: timedelta | None = None  # as it asked for


class Notifier(Protocol):
    """Other people's servers, as far as they may be told something."""

    def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post a body; no redirect is followed. Raises AddressRefused, PeerUnavailable."""
        ...
