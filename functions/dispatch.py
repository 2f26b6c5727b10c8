"""Every minute, and at once when recordings are queued (table's stream -> here): are there workers enough?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from functions import wiring
from tiro import service
from tiro.dispatch import Why
from tiro.job import Job
from tiro.settings import DispatchSettings

SELDOM = frozenset({"WorkersAsked", "WorkersRetired", "RefusedQuota", "RefusedCapacity", "RefusedOther"})
"""Told only when there is something to tell: a metric costs by the hour in which it is told (docs/cost.md, "Idle")."""


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    config = wiring.settings(DispatchSettings)
    dispatcher = service.Dispatcher(
        queue=wiring.queue(config.queue_url, config.batch_queue_url),
        fleet=wiring.fleet(),
        lengths=wiring.lengths(),
        launches=wiring.launches(),
        clock=wiring.clock(),
        settings=config,
    )
    return _tell(dispatcher.run(list(durations(event))), config.stage, by_clock="Records" not in event)


def durations(event: dict[str, Any]) -> Iterator[float]:
    """Read what the stream tells of jobs just queued, but for those tried before, whose length is known by then.

    The schedule's event tells of none.
    """
    for record in event.get("Records", ()):
        job = Job.model_validate_json(record["dynamodb"]["NewImage"]["document"]["S"])
        if job.media and job.media.duration and not job.attempts:
            yield job.media.duration


def _tell(seen: service.Round, stage: str, *, by_clock: bool) -> dict[str, int]:
    """Log what was refused, in AWS's own words, and say in numbers how things stand: once a minute, however often
    jobs are queued, since worker hours are summed up from them (infra/watch.py)."""
    for refusal in seen.refusals:
        said = {"market": refusal.market, "why": refusal.why, "words": refusal.words, "at": refusal.at.isoformat()}
        wiring.logger("dispatch").warning("no worker came", extra=said)
    numbers = {
        "Waiting": seen.backlog.waiting,
        "BacklogSeconds": round(seen.backlog.audio_seconds),
        "WorkersWanted": seen.wanted,
        "WorkersRunning": seen.running,
        "WorkersPending": seen.pending,
        "WorkersAsked": sum(launch.count for launch in seen.launches),
        "WorkersRetired": len(seen.retired),
        "WaitingUnattended": 0 if seen.running else seen.backlog.waiting,
        "RefusedQuota": sum(refusal.why is Why.QUOTA for refusal in seen.refusals),
        "RefusedCapacity": sum(refusal.why is Why.CAPACITY for refusal in seen.refusals),
        "RefusedOther": sum(refusal.why is Why.OTHER for refusal in seen.refusals),
    }
    metrics = EphemeralMetrics(namespace="Tiro")
    metrics.add_dimension(name="stage", value=stage)
    told = [name for name, number in numbers.items() if (number if name in SELDOM else by_clock)]
    for name in told:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=numbers[name])
    if told:
        metrics.flush_metrics()
    return numbers
