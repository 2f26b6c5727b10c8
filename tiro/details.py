"""What a job tells of itself beyond its status. What is not known is null, and every guess says what it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tiro.elapsed import elapsed, elapsed_ms
from tiro.stored import StoredModel as _Model

OWN_SPEED = "this job's own speed so far"


class Timings(_Model):
    """Milliseconds, never negative: where two machines' clocks disagree, 0 (tiro/elapsed.py)."""

    queued_ms: int | None  # from the first queueing to the latest claim
    cold_start_ms: int | None  # of these, until a machine was there; null: no machine has said
    processing_ms: int | None  # of the latest attempt, once it is at its end


class Partial(_Model):
    """What is heard so far of a recording. It may still lose a segment, where a later part says the same better."""

    text: str  # the latest few thousand characters
    is_whole: bool  # whether the text begins with the recording
    end_seconds: float  # up to where it goes


class Lineage(_Model):
    """What a transcript was made of, and by what."""

    engine: str
    engine_version: str
    model: str
    model_sha256: str
    compute_type: str
    media_etag: str | None  # of the recording, as S3 names it
    media_version: str | None
    media_sha256: str | None = None  # of its bytes, in hexadecimal


@dataclass(frozen=True)
class Circumstances:
    """What a job cannot know of itself."""

    now: datetime
    jobs_in_flight: int | None = None  # of its owner
    usd_per_worker_hour: float = 0.0  # 0: not known
    wait_seconds: float | None = None  # until its turn, as far as can be guessed


def timings(
    queued_at: datetime | None,
    started_at: datetime | None,
    finished_at: datetime | None,
    ready_at: datetime | None = None,  # of the worker that started it
) -> Timings:
    waited, cold = elapsed_ms(queued_at, started_at), elapsed_ms(queued_at, ready_at)
    return Timings(
        queued_ms=waited,
        cold_start_ms=None if waited is None or cold is None else min(cold, waited),
        processing_ms=elapsed_ms(started_at, finished_at),
    )


def eta_seconds(
    *, done: float, total: float | None, noted_at: datetime | None, started_at: datetime | None, now: datetime
) -> float | None:
    """Return the seconds until all is heard, if it goes on as it went; None where nobody can tell yet."""
    if not total or not noted_at or not started_at or done <= 0 or noted_at <= started_at:
        return None
    seconds_for_each = elapsed(started_at, noted_at).total_seconds() / done
    left = (total - done) * seconds_for_each - elapsed(noted_at, now).total_seconds()
    return round(max(0.0, left), 1)


def cost_usd(processing_ms: int | None, usd_per_worker_hour: float) -> float | None:
    """Return what the machine cost while it heard this job, and nothing else; None where the price is not known."""
    if processing_ms is None or not usd_per_worker_hour:
        return None
    return round(processing_ms / 3_600_000 * usd_per_worker_hour, 6)
