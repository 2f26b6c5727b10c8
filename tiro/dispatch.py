"""How many workers there should be, and which to ask for now.

Pure: the dispatcher runs these very functions every minute, and the simulation over days in a second. A worker drains
the queue, lingers and exits by itself, so that nothing here takes one away but to let a newer image in.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tiro.settings import DispatchTerms

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

LAUNCHES_AT_ONCE = 100
"""In one round. ECS lets 500 tasks wait for a machine in one cluster, and the next round is a minute away."""

RETIRED_AT_ONCE = 0.1
"""Of the workers that run, the share that a newer image replaces in one round: the others hear on."""

MEMORY_JOBS = 200
"""How many jobs back the mean length of a recording is remembered: a job's share fades to 37 % after so many."""


class Market(StrEnum):
    """Where a machine is rented. Spot costs a third and may be taken back within two minutes."""

    SPOT = "spot"
    ON_DEMAND = "on_demand"


class Why(StrEnum):
    """Why a machine was not to be had."""

    QUOTA = "quota"  # the account may not have one: it stays so until a person asks AWS for more
    CAPACITY = "capacity"  # AWS has none left just now
    OTHER = "other"  # the image cannot be pulled, the role is wrong, …


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What there is to do, as seen at a time."""

    at: datetime  # UTC
    waiting: int  # messages that nobody has in hand
    in_hand: int = 0  # messages that a worker hears just now
    audio_seconds: float  # in all of them together, as far as is known


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One that runs, or was asked for and is still to come."""

    id: str
    market: Market
    asked_at: datetime
    outdated: bool = False  # of an older image, or older settings, than those now deployed


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A worker that was asked for and never came."""

    market: Market
    why: Why
    words: str  # AWS's own
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Ask for `count` workers, each to exit after `linger_seconds` without work."""

    market: Market
    count: int
    linger_seconds: int
    instead_of: tuple[str, ...] = ()  # workers still to come, to be called off once these were asked for


def plan(
    backlog: Backlog,
    running: Sequence[Worker],
    pending: Sequence[Worker],
    settings: DispatchTerms,
    *,
    refusals: Collection[Refusal] = (),
) -> tuple[Launch, ...]:
    """Return what to ask for now; nothing when there are workers enough.

    Spot first. What has been pending on Spot for `patience_seconds` is asked for on demand instead, and so is
    everything while Spot was refused within `refused_seconds`. A market without quota is left alone for as long.
    """
    missing = wanted(backlog, settings) - len(running) - len(pending)
    fresh, refused = max(0, missing), _refused(refusals, backlog.at, settings)
    late = _late(pending, backlog.at, settings) if Market.ON_DEMAND not in refused else []
    on_demand = len(late) + (fresh if Market.SPOT in refused else 0)
    asked = {Market.ON_DEMAND: on_demand, Market.SPOT: fresh + len(late) - on_demand}
    kept = [worker for worker in (*running, *pending) if worker not in late]
    affordable = _affordable(asked, kept, settings)
    linger = _linger(backlog, len(kept), settings)
    return tuple(
        Launch(
            market=market,
            count=count,
            linger_seconds=linger,
            instead_of=tuple(worker.id for worker in late[:count]) if market is Market.ON_DEMAND else (),
        )
        for market, count in affordable.items()
        if count and not (market in refused and refused[market] is Why.QUOTA)
    )


def wanted(backlog: Backlog, settings: DispatchTerms) -> int:
    """Return how many workers would hear the backlog within `target_wait_seconds`.

    At least one where anything waits, and never more than there are recordings: one is not shared out between
    workers. What is kept warm comes on top of nothing: it is a floor.
    """
    recordings = backlog.waiting + backlog.in_hand
    needed = math.ceil(backlog.audio_seconds / (settings.worker_speed * settings.target_wait_seconds))
    needed = min(max(needed, 1), recordings)
    return min(max(needed, warm(backlog.at, settings)), settings.max_workers)


def warm(at: datetime, settings: DispatchTerms) -> int:
    """Return how many workers there should be even with nothing to do, by the hour and day in UTC."""
    on = DAYS[at.weekday()] in settings.warm_days and settings.warm_from_hour <= at.hour < settings.warm_to_hour
    return settings.warm_workers if on else 0


def retire(running: Sequence[Worker], pending: Sequence[Worker]) -> tuple[str, ...]:
    """Return which workers to stop, so that a newer image takes their place: a few, oldest first.

    Nobody while others are still to come: what is deployed and does not start takes no worker away but the first few.
    A worker that is stopped gives its job back with its checkpoint, and no attempt is counted.
    """
    if pending:
        return ()
    outdated = sorted((worker for worker in running if worker.outdated), key=lambda worker: worker.asked_at)
    return tuple(worker.id for worker in outdated[: math.ceil(len(running) * RETIRED_AT_ONCE)])


def learn(mean_seconds: float, durations: Sequence[float]) -> float:
    """Return the mean length of a recording after some more of them: the older one is, the less it counts."""
    if not durations:
        return mean_seconds
    kept = math.exp(-len(durations) / MEMORY_JOBS)
    return kept * mean_seconds + (1 - kept) * (sum(durations) / len(durations))


def _late(pending: Sequence[Worker], at: datetime, settings: DispatchTerms) -> list[Worker]:
    patience = timedelta(seconds=settings.patience_seconds)
    return [worker for worker in pending if worker.market is Market.SPOT and at - worker.asked_at >= patience]


def _refused(refusals: Collection[Refusal], at: datetime, settings: DispatchTerms) -> dict[Market, Why]:
    """Return the markets that refused lately; of several reasons the one that only a person can change."""
    lately = [refusal for refusal in refusals if (at - refusal.at).total_seconds() < settings.refused_seconds]
    reasons: dict[Market, Why] = {}
    for refusal in lately:
        if refusal.why is Why.QUOTA or (refusal.why is Why.CAPACITY and refusal.market not in reasons):
            reasons[refusal.market] = refusal.why
    return reasons


def _affordable(asked: dict[Market, int], kept: Sequence[Worker], settings: DispatchTerms) -> dict[Market, int]:
    """Return how many of those asked for the budget allows, what is late before what is new."""
    price = {Market.SPOT: settings.spot_usd_per_hour, Market.ON_DEMAND: settings.on_demand_usd_per_hour}
    left = settings.max_usd_per_hour - sum(price[worker.market] for worker in kept)
    allowed, places = {}, LAUNCHES_AT_ONCE
    for market, count in asked.items():
        paid = int(left / price[market] + 1e-9) if settings.max_usd_per_hour and price[market] else count
        allowed[market] = max(0, min(count, paid, places))
        places -= allowed[market]
        left -= allowed[market] * price[market]
    return allowed


def _linger(backlog: Backlog, there: int, settings: DispatchTerms) -> int:
    """Return how long those launched now stay without work: to the end of the warm hours while its floor lacks."""
    if there >= warm(backlog.at, settings):
        return settings.linger_seconds
    end = backlog.at.replace(minute=0, second=0, microsecond=0) + timedelta(
        hours=settings.warm_to_hour - backlog.at.hour
    )
    return max(settings.linger_seconds, math.ceil((end - backlog.at).total_seconds()))
