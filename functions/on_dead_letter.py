"""A job's message was handed out too often: nobody could finish it, so the job fails with that reason."""

from __future__ import annotations

from typing import Any

from functions import wiring
from functions.batch import each_record
from tiro import service
from tiro.errors import MalformedMessage
from tiro.message import JobMessage
from tiro.settings import DeadLetterSettings


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return each_record(event, _bury, service="on_dead_letter")


def _bury(body: str) -> None:
    config = wiring.settings(DeadLetterSettings)
    try:
        message = JobMessage.parse(body)
    except MalformedMessage:
        wiring.logger("on_dead_letter").error("not a job's message; dropped", extra={"bytes": len(body)})
        return
    job = service.bury(
        message,
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        transcripts=wiring.transcripts(config.transcript_bucket),
        clock=wiring.clock(),
    )
    wiring.logger("on_dead_letter").info("buried", extra={"job_id": message.job_id, "failed": job is not None})
