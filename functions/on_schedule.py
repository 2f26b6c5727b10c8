"""Every minute: what waited too long for its recording is told so, what was to be removed is, and deliveries whose
time has come are sent off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from functions import wiring
from tiro import service
from tiro.settings import ScheduleSettings

ENOUGH = timedelta(seconds=50)
"""Of the minute that there is, half of it for deliveries. What is left, the next minute finds."""


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    config = wiring.settings(ScheduleSettings)
    began = wiring.clock().now()
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
        until=began + ENOUGH / 2,
    )
    tidied = tidier(config).tidy(until=began + ENOUGH)
    return {"expired": len(failed), "tidied": tidied, "deliveries": passed_on}


def tidier(config: ScheduleSettings) -> service.Tidier:
    return service.Tidier(
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        media=wiring.media(config.media_bucket),
        transcripts=wiring.transcripts(config.transcript_bucket),
        parts=wiring.parts(config.media_bucket),
        deliveries=wiring.deliveries(),
        clock=wiring.clock(),
    )
