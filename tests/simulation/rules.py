"""Rules that say how many workers there should be: Tiro's own, the very code that is deployed, and what others do."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tiro.dispatch import Backlog, Launch, Market, Refusal, Worker, plan
from tiro.settings import DispatchTerms


@dataclass(frozen=True)
class Decision:
    launches: Sequence[Launch] = ()
    stop: int = 0  # idle workers to end; one at work is let finish


class Rule(Protocol):
    def decide(
        self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
    ) -> Decision:
        """Asked once a minute while there is anything to do or anybody to do it."""
        ...


@dataclass
class Planned:
    """Tiro's."""

    terms: DispatchTerms

    def decide(
        self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
    ) -> Decision:
        return Decision(plan(backlog, running, pending, self.terms, refusals=refusals))


@dataclass
class PerJob:
    """A worker for each recording, as many as may be: what AWS Batch does with an array of jobs."""

    terms: DispatchTerms

    def decide(
        self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
    ) -> Decision:
        there = len(running) + len(pending)
        count = min(backlog.waiting + backlog.in_hand, self.terms.max_workers) - there
        return Decision([Launch(market=Market.SPOT, count=count, linger_seconds=0)] if count > 0 else ())


@dataclass
class Tracking:
    """An ECS service that tracks its backlog per worker: metrics come late, scaling in waits a quarter of an hour.

    Source: AWS, "Scaling based on Amazon SQS" and "Target tracking scaling policies": three data points above the
    target scale out, fifteen below scale in.
    """

    terms: DispatchTerms
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=15))  # wanted, a minute apart

    def decide(
        self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
    ) -> Decision:
        hearable = self.terms.worker_speed * self.terms.target_wait_seconds
        self.seen.append(min(self.terms.max_workers, math.ceil(backlog.audio_seconds / hearable)))
        there = len(running) + len(pending)
        late = list(self.seen)[-3:]
        if len(late) == 3 and min(late) > there:
            return Decision([Launch(market=Market.SPOT, count=min(late) - there, linger_seconds=10**9)])
        if len(self.seen) == 15 and max(self.seen) < len(running):
            return Decision(stop=len(running) - max(self.seen))
        return Decision()


@dataclass
class Fixed:
    """As many as the mean load needs and half as many again, on demand, day and night."""

    terms: DispatchTerms
    count: int

    def decide(
        self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
    ) -> Decision:
        missing = self.count - len(running) - len(pending)
        return Decision([Launch(market=Market.ON_DEMAND, count=missing, linger_seconds=10**9)] if missing > 0 else ())


def rules(terms: DispatchTerms, mean_audio_per_second: float) -> dict[str, Callable[[], Rule]]:
    fixed = min(terms.max_workers, math.ceil(1.5 * mean_audio_per_second / terms.worker_speed))
    return {
        "tiro": lambda: Planned(terms),
        "a worker per job": lambda: PerJob(terms),
        "target tracking": lambda: Tracking(terms),
        "fixed fleet": lambda: Fixed(terms, max(1, fixed)),
    }
