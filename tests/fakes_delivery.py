"""Who wants to hear, what is on its way, and a receiver that answers as it is told, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tiro.delivery import Delivery, Event
from tiro.errors import Conflict, DeliveryNotFound, TiroError, WebhookNotFound
from tiro.message import DeliveryMessage
from tiro.ports import Reply
from tiro.webhook import Endpoint


class FakeEndpointStore:
    def __init__(self) -> None:
        self.endpoints: dict[tuple[str, str], Endpoint] = {}

    def create(self, endpoint: Endpoint) -> None:
        if self.endpoints.setdefault((endpoint.owner, endpoint.id), endpoint) != endpoint:
            raise Conflict

    def get(self, owner: str, endpoint_id: str) -> Endpoint:
        if (owner, endpoint_id) not in self.endpoints:
            raise WebhookNotFound
        return self.endpoints[owner, endpoint_id]

    def list(self, owner: str) -> Sequence[Endpoint]:
        return [self.endpoints[key] for key in sorted(self.endpoints) if key[0] == owner]

    def save(self, before: Endpoint, after: Endpoint) -> None:
        stored = self.endpoints.get((after.owner, after.id))
        if stored is None or (stored.revision != before.revision and stored != after):
            raise Conflict
        self.endpoints[after.owner, after.id] = after

    def delete(self, owner: str, endpoint_id: str) -> None:
        self.endpoints.pop((owner, endpoint_id), None)


class FakeDeliveryStore:
    def __init__(self) -> None:
        self.deliveries: dict[tuple[str, str], Delivery] = {}

    def create(self, delivery: Delivery) -> bool:
        key = delivery.job_id, delivery.id
        is_new = key not in self.deliveries
        self.deliveries.setdefault(key, delivery)
        return is_new

    def get(self, job_id: str, delivery_id: str) -> Delivery:
        if (job_id, delivery_id) not in self.deliveries:
            raise DeliveryNotFound
        return self.deliveries[job_id, delivery_id]

    def forget(self, job_id: str) -> None:
        for delivery in self.of_job(job_id):
            if not delivery.outlives_its_job:
                self.remove(delivery)

    def remove(self, delivery: Delivery) -> None:
        self.deliveries.pop((delivery.job_id, delivery.id), None)

    def of_job(self, job_id: str) -> Sequence[Delivery]:
        found = [one for one in self.deliveries.values() if one.job_id == job_id]
        return sorted(found, key=lambda one: (one.created_at, one.event.id, one.id))

    def save(self, before: Delivery, after: Delivery) -> None:
        stored = self.deliveries.get((after.job_id, after.id))
        if stored is None or (stored.revision != before.revision and stored != after):
            raise Conflict
        self.deliveries[after.job_id, after.id] = after

    def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        waiting = [(one.due_at, one.id, one) for one in self.deliveries.values() if one.due_at and one.due_at < now]
        return [one for _, _, one in sorted(waiting, key=lambda entry: entry[:2])][:limit]


@dataclass
class FakeDeliveryQueue:
    """Holds back what has to wait; `due` hands out what need not any more."""

    now: Callable[[], datetime]
    sent: list[tuple[float, DeliveryMessage]] = field(default_factory=list)  # from when on, in epoch seconds

    def send(self, message: DeliveryMessage, *, owner: str, delay_seconds: int = 0) -> None:
        assert 0 <= delay_seconds <= 900
        self.sent.append((self.now().timestamp() + delay_seconds, message))

    def due(self) -> list[DeliveryMessage]:
        now = self.now().timestamp()
        ready = [message for at, message in self.sent if at <= now]
        self.sent = [(at, message) for at, message in self.sent if at > now]
        return ready


class FakeNotifier:
    """Answers by the script: each call takes the next, and the last one serves for ever."""

    def __init__(self, *answers: int | Reply | TiroError) -> None:
        self.answers = list(answers) or [204]
        self.told: list[tuple[str, dict[str, str], bytes]] = []

    def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.told.append((url, dict(headers), body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TiroError):
            raise answer
        return Reply(answer) if isinstance(answer, int) else answer


class FakeEventBus:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, event: Event) -> None:
        self.events.append(event)
