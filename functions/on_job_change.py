"""A job changed: the table's stream brings its outbox here, and whoever wants to hear of it is told."""

from __future__ import annotations

from typing import Any

from functions import metrics, wiring
from tiro import service
from tiro.adapters.dynamodb.outbox import read_event
from tiro.settings import ChangeSettings
from tiro.trace import owner_hash


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return which record could not be passed on; the stream comes back with it and all after it."""
    for record in event["Records"]:
        try:
            _pass_on(record["dynamodb"]["NewImage"])
        except Exception:  # noqa: BLE001  (whatever it is, what came before it in the batch is done)
            wiring.logger("on_job_change").exception("record failed", extra={"event_id": record["eventID"]})
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _pass_on(image: dict[str, Any]) -> None:
    config, change = wiring.settings(ChangeSettings), read_event(image)
    made = service.announce(
        change,
        endpoints=wiring.endpoints(),
        deliveries=wiring.deliveries(),
        queue=wiring.delivery_queue(config.delivery_queue_url),
        clock=wiring.clock(),
    )
    if change.worked_seconds is not None:
        wiring.pace().note(change.worked_seconds, at=change.at)
    wiring.event_bus(config.event_bus).publish(change)
    metrics.job_changed(change)
    told: dict[str, object] = {"type": change.type, "code": change.code, "deliveries": len(made)}
    told |= {"job_id": change.job_id, "trace_id": change.trace, "owner": owner_hash(change.owner)}
    wiring.logger("on_job_change").info("announced", extra=told)
