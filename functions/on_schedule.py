"""Every minute: what waited too long for its recording is told so, and deliveries whose time has come are sent off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from functions import wiring
from tiro import service
from tiro.settings import ScheduleSettings

ENOUGH = timedelta(seconds=30)
"""For deliveries, of the minute that there is. What is left, the next minute finds."""


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    config = wiring.settings(ScheduleSettings)
    failed = service.expire(
        jobs=wiring.jobs(),
        parts=wiring.parts(config.media_bucket),
        transcripts=wiring.transcripts(config.transcript_bucket),
        clock=wiring.clock(),
    )
    for job in failed:
        wiring.logger("on_schedule").info("expired", extra={"job_id": job.id})
    passed_on = service.pass_on_due(
        deliveries=wiring.deliveries(),
        queue=wiring.delivery_queue(config.delivery_queue_url),
        clock=wiring.clock(),
        until=wiring.clock().now() + ENOUGH,
    )
    return {"expired": len(failed), "deliveries": passed_on}
