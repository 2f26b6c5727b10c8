"""Somebody is to be told of a job's change: queue -> here -> their server, and if need be queue or index again."""

from __future__ import annotations

from typing import Any

from functions import metrics, wiring
from functions.batch import each_record
from tiro.message import DeliveryMessage
from tiro.service import Deliverer
from tiro.settings import DeliverySettings


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return each_record(event, _deliver, service="on_delivery")


def _deliver(body: str) -> None:
    config = wiring.settings(DeliverySettings)
    deliverer = Deliverer(
        jobs=wiring.jobs(),
        deliveries=wiring.deliveries(),
        endpoints=wiring.endpoints(),
        queue=wiring.delivery_queue(config.delivery_queue_url),
        notifier=wiring.notifier(),
        clock=wiring.clock(),
    )
    message = DeliveryMessage.parse(body)
    delivery = deliverer.take(message)
    if delivery:
        metrics.tried(delivery)
    became = {"state": delivery.state, "tries": delivery.tries} if delivery else {"state": "a leftover"}
    trace = delivery and delivery.event.trace
    told = {"job_id": message.job_id, "trace_id": trace, "delivery_id": message.delivery_id, **became}
    wiring.logger("on_delivery").info("tried", extra=told)
