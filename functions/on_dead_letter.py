"""A message was handed out too often: nobody could finish what it asks, so its job fails with that reason."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from functions import wiring
from functions.batch import each_record
from tiro import service
from tiro.errors import MalformedMessage
from tiro.message import FetchMessage, JobMessage
from tiro.settings import DeadLetterSettings


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return each_record(event, _bury, service="on_dead_letter")


def _bury(body: str) -> None:
    config = wiring.settings(DeadLetterSettings)
    message = _parse(body)
    if message is None:
        wiring.logger("on_dead_letter").error("not a job's message; dropped", extra={"bytes": len(body)})
        return
    jobs, transcripts, clock = wiring.jobs(), wiring.transcripts(config.transcript_bucket), wiring.clock()
    if isinstance(message, FetchMessage):
        job = service.bury_fetch(message, jobs=jobs, transcripts=transcripts, clock=clock)
    else:
        job = service.bury(message, jobs=jobs, runs=wiring.runs(), transcripts=transcripts, clock=clock)
    wiring.logger("on_dead_letter").info("buried", extra={"job_id": message.job_id, "failed": job is not None})


def _parse(body: str) -> JobMessage | FetchMessage | None:
    for kind in (JobMessage, FetchMessage):
        with suppress(MalformedMessage):
            return kind.parse(body)
    return None
