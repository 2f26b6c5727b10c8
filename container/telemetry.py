"""What the worker's jobs add up to: one line of CloudWatch's embedded metric format on stdout for each thing told.

A metric is cut by the stage and, where something failed, by the error's code; by nothing else, for every combination
of dimensions is a metric of its own, and is paid for. Job and attempt stand beside them as plain fields, by which a
query finds the line again. `docs/telemetry.md` says what each metric means.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from container.stopping import Reason
from tiro.details import cost_usd
from tiro.elapsed import skew
from tiro.errors import InternalError, TiroError
from tiro.job import Job
from tiro.ports import Clock

NAMESPACE = "Tiro"

UNITS = {
    "QueueWait": "Milliseconds",
    "ClockSkew": "Milliseconds",
    "ColdStart": "Milliseconds",
    "RealTimeFactor": "None",
    "AudioSeconds": "Seconds",
    "ProcessingSeconds": "Seconds",
    "Attempts": "Count",
    "CostUSD": "None",
    "AttemptsFailed": "Count",
    "Returned": "Count",
    "ReturnedBySpot": "Count",
    "StoodStill": "Count",
    "StartUp": "Milliseconds",
}
"""Of CloudWatch (API reference, MetricDatum)."""

Write = Callable[[str], object]


def to_stdout(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


@dataclass(frozen=True)
class Telemetry:
    """Counts what becomes of jobs. Any thread may tell."""

    stage: str
    clock: Clock
    usd_per_worker_hour: float = 0.0  # 0: not known, and no cost is told
    write: Write = to_stdout

    def started(self, seconds: float) -> None:
        """The worker is ready, so long after its process began."""
        self._tell({"StartUp": round(seconds * 1000)})

    def claimed(self, job: Job) -> None:
        """A first attempt begins. What a later one waits for is a retry's pause, not the queue."""
        if job.attempts == 1 and job.timings.queued_ms is not None:
            told: dict[str, float] = {"QueueWait": job.timings.queued_ms}
            if job.timings.cold_start_ms is not None:
                told["ColdStart"] = job.timings.cold_start_ms
            self._tell(told | _skewed(job.clock_skew), job)

    def completed(self, job: Job) -> None:
        milliseconds = job.timings.processing_ms
        if not job.transcript or milliseconds is None:
            return
        audio, seconds = job.transcript.duration, milliseconds / 1000
        told: dict[str, float] = {"AudioSeconds": audio, "ProcessingSeconds": seconds, "Attempts": job.attempts}
        if audio:
            told["RealTimeFactor"] = round(seconds / audio, 4)
        if cost := cost_usd(milliseconds, self.usd_per_worker_hour):
            told["CostUSD"] = cost
        differ = skew(job.started_at, job.finished_at) if job.started_at and job.finished_at else timedelta()
        self._tell(told | _skewed(differ), job)

    def attempt_failed(self, job: Job, error: BaseException) -> None:
        """One attempt failed, whether or not there will be another."""
        code = error.code if isinstance(error, TiroError) else InternalError.code
        self._tell({"AttemptsFailed": 1}, job, code=code)

    def returned(self, job: Job, reason: Reason) -> None:
        """The job was given back unfinished, and no attempt counted."""
        self._tell({"Returned": 1, "ReturnedBySpot": int(reason is Reason.SPOT)}, job)

    def stood_still(self, job: Job) -> None:
        self._tell({"StoodStill": 1}, job)

    def _tell(self, values: dict[str, float], job: Job | None = None, **dimensions: str) -> None:
        about = {"job_id": job.id, "trace_id": job.trace_id} if job else {}
        at = round(self.clock.now().timestamp() * 1000)
        self.write(emf(values, {"stage": self.stage, **dimensions}, about, at=at) + "\n")


def _skewed(by: timedelta) -> dict[str, float]:
    """Return what says of a duration told as 0 that the clocks differ."""
    return {"ClockSkew": round(by.total_seconds() * 1000)} if by else {}


def emf(values: dict[str, float], dimensions: dict[str, str], about: dict[str, str], *, at: int) -> str:
    """Return one line; `at` is in milliseconds since 1970.

    Source: Amazon CloudWatch user guide, "Specification: Embedded metric format".
    """
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [sorted(dimensions)], "Metrics": metrics}
    line: dict[str, Any] = {
        "_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]},
        **about,
        **dimensions,
        **values,
    }
    return json.dumps(line)
