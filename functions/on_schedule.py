"""Every minute: what was left by all is sent on or ended, and deliveries whose time has come are sent off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from functions import wiring
from tiro import service
from tiro.service import Reaper, ReapTerms
from tiro.settings import ScheduleSettings

ENOUGH = timedelta(seconds=20)
"""For deliveries, of the minute that there is. What is left, the next minute finds."""


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Return what was done. What did not answer is raised at last, when all else is: a round that fails is noticed."""
    config, log = wiring.settings(ScheduleSettings), wiring.logger("on_schedule")
    reaped = reaper(config).round()
    counts = reaped.counts()
    counts["deliveries"] = service.pass_on_due(
        deliveries=wiring.deliveries(),
        queue=wiring.delivery_queue(config.delivery_queue_url),
        clock=wiring.clock(),
        until=wiring.clock().now() + ENOUGH,
    )
    log.info("round", extra={**reaped.ids(), **counts})
    for trouble in reaped.troubles:
        raise trouble
    return counts


def reaper(config: ScheduleSettings) -> Reaper:
    return Reaper(
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        fetches=wiring.fetches(),
        queue=wiring.queue(config.queue_url),
        fetch_queue=wiring.fetch_queue(config.fetch_queue_url),
        backlog=wiring.backlog(config.queue_url),
        fetch_backlog=wiring.backlog(config.fetch_queue_url),
        parts=wiring.parts(config.media_bucket),
        transcripts=wiring.transcripts(config.transcript_bucket),
        clock=wiring.clock(),
        terms=ReapTerms(patience_seconds=config.patience_seconds, max_attempts=config.max_attempts),
    )
