"""Every minute: what was left by all is sent on or ended, what was to be removed is, and deliveries whose time has come
are sent off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from functions import wiring
from tiro import service
from tiro.service import Reaper, ReapTerms
from tiro.settings import ScheduleSettings

ENOUGH = timedelta(seconds=50)
"""Of the minute that there is: a part for the reaper, as much for deliveries. What is left, the next minute finds."""


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Return what was done. What did not answer is raised at last, when all else is: a round that fails is noticed."""
    config, log, began = wiring.settings(ScheduleSettings), wiring.logger("on_schedule"), wiring.clock().now()
    reaped = reaper(config).round()
    counts = reaped.counts()
    counts["deliveries"] = service.pass_on_due(
        deliveries=wiring.deliveries(),
        queue=wiring.delivery_queue(config.delivery_queue_url),
        clock=wiring.clock(),
        until=began + ENOUGH * 0.7,
    )
    counts["tidied"] = tidier(config).tidy(until=began + ENOUGH)
    log.info("round", extra={**reaped.ids(), **counts})
    for trouble in reaped.troubles:
        raise trouble
    return counts


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


def reaper(config: ScheduleSettings) -> Reaper:
    return Reaper(
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        fetches=wiring.fetches(),
        queue=wiring.queue(config.queue_url, config.batch_queue_url),
        fetch_queue=wiring.fetch_queue(config.fetch_queue_url),
        backlog=wiring.backlog(config.queue_url, config.batch_queue_url),
        fetch_backlog=wiring.backlog(config.fetch_queue_url),
        parts=wiring.parts(config.media_bucket),
        transcripts=wiring.transcripts(config.transcript_bucket),
        clock=wiring.clock(),
        terms=ReapTerms(patience_seconds=config.patience_seconds, max_attempts=config.max_attempts),
    )
