"""The hour itself: jobs come in at a steady pace, two workers hear them, and now and then all is measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.faults.field import Field
from tests.faults.lane import Lane
from tests.faults.ledger import Seen, Told, Verdict, judge
from tests.soak.gauge import Held, measure
from tests.soak.mix import Arrival
from tiro.job import Job

OUTSTANDING = 16
"""Jobs under way beyond which nothing more comes in: the workers' pace is what is measured, not a queue."""


@dataclass(frozen=True)
class Terms:
    seconds: float = 3600.0
    every: float = 4.0  # seconds between two jobs
    look: float = 5.0  # seconds between two measurements
    settle: float = 300.0  # seconds that the last jobs may take


@dataclass
class Hour:
    ground: Field
    lanes: Sequence[Lane]
    mix: Iterator[Arrival]
    told: Told
    terms: Terms
    say: Callable[[float, int], None]  # seconds so far, jobs
    held: list[Held] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began, self._began = datetime.now(UTC), time.monotonic()
        self._came = 0
        self._looked = 0.0

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def run(self) -> None:
        while self.now < self.terms.seconds:
            self._tend()
            if self._came * self.terms.every <= self.now and self._under_way() < OUTSTANDING:
                self._let_in(next(self.mix))
            time.sleep(0.1)
        self._settle()
        self.jobs = self.ground.jobs()
        seen = Seen.of(self.ground.items(), frozenset(self.ground.stored()), self.told)
        self.verdicts = judge(seen, submitted=list(self.ground.submitted), dropped=list(self.ground.dropped))

    def _tend(self) -> None:
        for lane in self.lanes:
            lane.tend()
        if self.now >= self._looked:
            self._looked = self.now + self.terms.look
            found = (measure(lane.name, lane.pid, lane.temporary, self.now) for lane in self.lanes if lane.pid)
            self.held += [held for held in found if held]
            self.say(self.now, self._came)

    def _let_in(self, arrival: Arrival) -> None:
        self._came += 1
        if arrival.dropped:
            self.ground.drop(arrival.clip, self._came)
            return
        job_id = self.ground.upload(arrival.clip)
        if arrival.cancelled:
            self.ground.cancel(job_id)

    def _under_way(self) -> int:
        return len(self.ground.submitted) + len(self.ground.dropped) - len(self.told.ends)

    def _settle(self) -> None:
        """Let the workers end what they have, and rest: what they hold then, they hold for no job."""
        deadline = time.monotonic() + self.terms.settle
        while self._under_way() > 0 and time.monotonic() < deadline:
            self._tend()
            time.sleep(0.5)
        rest = time.monotonic() + 4 * self.terms.look
        while time.monotonic() < rest:
            self._tend()
            time.sleep(0.5)


def wait_ready(lanes: Sequence[Lane], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not all(lane.ready for lane in lanes):
        for lane in lanes:
            lane.tend()
        if time.monotonic() > deadline:
            raise TimeoutError("a worker never became ready")
        time.sleep(0.2)
