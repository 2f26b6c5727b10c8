"""Every minute: what waited too long for its recording is told so."""

from __future__ import annotations

from typing import Any

from functions import wiring
from tiro import service
from tiro.settings import ScheduleSettings


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
    return {"expired": len(failed)}
