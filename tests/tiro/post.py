"""The post on fakes: everything between the end of a job and a receiver, on a clock that tests turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from tests.factories import NOW, make_queued_job
from tests.fakes import FakeClock, FakeJobStore
from tests.fakes_delivery import FakeDeliveryQueue, FakeDeliveryStore, FakeEndpointStore, FakeNotifier
from tiro import service
from tiro.delivery import Delivery, Event, event_of
from tiro.service.webhooks import register
from tiro.settings import DeliverySettings
from tiro.signature import new_secret
from tiro.webhook import Endpoint, EndpointRequest

SETTINGS = DeliverySettings(table="t", delivery_queue_url="q")

SECRET = new_secret(bytes(range(40)))


def ended(**changes: object) -> Event:
    job = make_queued_job(**changes)
    event = event_of(job, job.cancelled(at=NOW))
    assert event
    return event


@dataclass
class Post:
    """Everything between an event and a receiver."""

    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    clock: FakeClock = field(default_factory=FakeClock)
    jobs: FakeJobStore = field(default_factory=FakeJobStore)
    endpoints: FakeEndpointStore = field(default_factory=FakeEndpointStore)
    deliveries: FakeDeliveryStore = field(default_factory=FakeDeliveryStore)

    def __post_init__(self) -> None:
        self.queue = FakeDeliveryQueue(self.clock.now)
        self.deliverer = service.Deliverer(
            jobs=self.jobs,
            deliveries=self.deliveries,
            endpoints=self.endpoints,
            queue=self.queue,
            notifier=self.notifier,
            clock=self.clock,
        )

    def register(self, number: int = 1, *, owner: str = "ada", **asked: object) -> Endpoint:
        request = EndpointRequest(url="https://example.com/hook", **asked)
        return register(
            request,
            owner=owner,
            endpoint_id=f"wh_{number:02}",
            endpoints=self.endpoints,
            clock=self.clock,
            settings=SETTINGS,
        )

    def announce(self, event: Event) -> list[Delivery]:
        return list(
            service.announce(
                event, endpoints=self.endpoints, deliveries=self.deliveries, queue=self.queue, clock=self.clock
            )
        )

    def work(self) -> None:
        """What the queue and the schedule do in a minute."""
        service.pass_on_due(deliveries=self.deliveries, queue=self.queue, clock=self.clock)
        while messages := self.queue.due():
            for message in messages:
                self.deliverer.take(message)

    def pass_time(self, total: timedelta, step: float = 60.0) -> None:
        for _ in range(int(total.total_seconds() / step)):
            self.work()
            self.clock.advance(step)
        self.work()

    def look(self, delivery: Delivery) -> Delivery:
        return self.deliveries.get(delivery.job_id, delivery.id)
