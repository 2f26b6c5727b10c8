"""A fleet over days in seconds: recordings come, machines start and are taken back, and a rule says how many.

A discrete-event simulation. What it takes for granted: a queue that is fair between owners as SQS's fair queues are
said to be (the owners that wait take turns), machines whose start-up is lognormal, Spot machines that are taken back
at random, and a checkpoint that saves all but the last seconds. Of a worker it knows how fast it hears, no more.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.simulation.arrivals import HOUR, MEAN_AUDIO, Load, Recording
from tests.simulation.rules import Rule
from tiro.dispatch import Backlog, Launch, Market, Refusal, Worker, learn

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""

MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Nature:
    """What nobody chooses. Seconds, unless it says otherwise."""

    speed: float = 20.0  # seconds of audio heard in a second
    overhead: float = 2.0  # of a job beside hearing: claim, first bytes, storing
    start: float = 180.0  # the median from asking to hearing: machine, image, model
    start_sigma: float = 0.3
    hours_between_reclaims: float = 24.0  # of a Spot machine; AWS says that under 5 % a month is usual
    heard_again: float = 30.0  # of audio, after a reclaim: the window in flight
    usd_per_hour: tuple[tuple[Market, float], ...] = ((Market.SPOT, 0.35), (Market.ON_DEMAND, 0.9))

    def price(self, market: Market) -> float:
        return dict(self.usd_per_hour)[market]


@dataclass
class _Job:
    recording: Recording
    left: float  # seconds of audio not heard yet
    begun_at: float | None = None


@dataclass
class _Machine:
    worker: Worker
    linger: float
    placed_at: float | None = None  # from then on it costs
    runs: bool = False
    job: _Job | None = None
    job_began: float = 0.0
    turn: int = 0  # +1 with every change: an event of an older one is void


class FairQueue:
    """The owners that wait take turns."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[_Job]] = {}
        self._turns: deque[str] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, job: _Job, *, first: bool = False) -> None:
        jobs = self._waiting.setdefault(job.recording.owner, deque())
        if not jobs:
            self._turns.append(job.recording.owner)
        (jobs.appendleft if first else jobs.append)(job)
        self._count += 1

    def take(self) -> _Job:
        owner = self._turns.popleft()
        jobs = self._waiting[owner]
        job = jobs.popleft()
        if jobs:
            self._turns.append(owner)
        self._count -= 1
        return job

    def oldest(self) -> float:
        """When the one that waits longest came. Infinite where none waits."""
        return min((jobs[0].recording.at for jobs in self._waiting.values() if jobs), default=math.inf)


@dataclass(frozen=True)
class Sample:
    """The fleet at the end of a minute."""

    hour: float
    oldest_wait: float  # seconds
    workers: int
    usd: float  # spent so far


@dataclass
class Outcome:
    waits: dict[str, list[float]] = field(default_factory=dict)  # by owner, seconds until a worker took it
    samples: list[Sample] = field(default_factory=list)
    jobs: int = 0
    done: int = 0
    audio: float = 0.0  # seconds, of what is done
    usd: float = 0.0
    reclaimed: int = 0

    def wait(self, percent: float, owners: Callable[[str], bool] = lambda owner: True) -> float:
        """Return a percentile (nearest rank) of the seconds that recordings waited."""
        waits = sorted(itertools.chain(*(times for owner, times in self.waits.items() if owners(owner))))
        return waits[max(0, math.ceil(percent / 100 * len(waits)) - 1)] if waits else 0.0

    @property
    def usd_per_audio_hour(self) -> float:
        return self.usd / (self.audio / HOUR) if self.audio else 0.0


class World:
    """One load under one rule."""

    def __init__(self, load: Load, rule: Rule, nature: Nature, seed: int) -> None:
        self._load, self._rule, self._nature = load, rule, nature
        self._chance = random.Random(seed + 1)  # noqa: S311  (repeatable, not secret)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._now = 0.0
        self._queue = FairQueue()
        self._machines: dict[str, _Machine] = {}
        self._idle: dict[str, _Machine] = {}
        self._unplaced: list[_Machine] = []  # asked for on Spot while there was none
        self._heard: list[float] = []  # lengths of what was done since the rule was last asked
        self._mean = MEAN_AUDIO
        self._next_minute: float | None = None
        self.outcome = Outcome()
        for recording in load.recordings(seed):
            self._at(recording.at, lambda recording=recording: self._arrive(recording))  # type: ignore[misc]
            self.outcome.jobs += 1
        if load.drought:
            self._at(load.drought[1] * HOUR, self._rain)

    def run(self) -> Outcome:
        """Until all is done, or for three times as long as recordings come."""
        self._at(0.0, self._minute)
        end = 3 * self._load.hours * HOUR + 12 * HOUR
        while self._events and self._now < end:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
            if self.outcome.done == self.outcome.jobs and self._now > self._load.hours * HOUR:
                break
        for machine in list(self._machines.values()):
            self._end(machine)
        return self.outcome

    def _at(self, when: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), happen))

    # ------------------------------------------------------------ recordings

    def _arrive(self, recording: Recording) -> None:
        self._queue.put(_Job(recording, recording.audio))
        self._hand_out()
        if self._next_minute is None:  # the first enqueue wakes the dispatcher, and then it is asked every minute
            self._minute()

    def _hand_out(self) -> None:
        while self._queue and self._idle:
            machine = self._idle.pop(self._chance.choice(list(self._idle)))  # whoever happens to ask first
            job = machine.job = self._queue.take()
            if job.begun_at is None:
                job.begun_at = self._now
                self.outcome.waits.setdefault(job.recording.owner, []).append(self._now - job.recording.at)
            machine.job_began, machine.turn = self._now, machine.turn + 1
            seconds = self._nature.overhead + job.left / self._nature.speed
            self._at(self._now + seconds, self._unless_changed(machine, self._finish))

    def _finish(self, machine: _Machine) -> None:
        assert machine.job
        self.outcome.done += 1
        self.outcome.audio += machine.job.recording.audio
        self._heard.append(machine.job.recording.audio)
        machine.job = None
        self._rest(machine)

    # ------------------------------------------------------------ machines

    def _rest(self, machine: _Machine) -> None:
        machine.turn += 1
        self._idle[machine.worker.id] = machine
        self._at(self._now + machine.linger, self._unless_changed(machine, self._end))
        self._hand_out()

    def _launch(self, launch: Launch) -> None:
        for name in launch.instead_of:
            self._end(self._machines[name])
        for _ in range(launch.count):
            worker = Worker(
                id=str(next(self._order)), market=launch.market, asked_at=BEGIN + timedelta(seconds=self._now)
            )
            machine = self._machines[worker.id] = _Machine(worker, launch.linger_seconds)
            if launch.market is Market.SPOT and self._dry():
                self._unplaced.append(machine)
            else:
                self._place(machine)

    def _place(self, machine: _Machine) -> None:
        machine.placed_at, machine.turn = self._now, machine.turn + 1
        start = self._chance.lognormvariate(math.log(self._nature.start), self._nature.start_sigma)
        self._at(self._now + start, self._unless_changed(machine, self._ready))
        if machine.worker.market is Market.SPOT:
            hours = self._chance.expovariate(1 / self._nature.hours_between_reclaims)
            self._at(self._now + hours * HOUR, lambda: self._reclaim(machine))

    def _ready(self, machine: _Machine) -> None:
        machine.runs = True
        self._rest(machine)

    def _reclaim(self, machine: _Machine) -> None:
        if machine.worker.id in self._machines:
            self.outcome.reclaimed += 1
            self._end(machine)

    def _end(self, machine: _Machine) -> None:
        machine.turn += 1
        self._machines.pop(machine.worker.id)
        self._idle.pop(machine.worker.id, None)
        if machine.placed_at is not None:  # a minute at least is billed (EC2, "On-Demand pricing")
            self.outcome.usd += max(MINUTE, self._now - machine.placed_at) / HOUR * self._price(machine)
        if job := machine.job:
            heard = max(0.0, self._now - machine.job_began - self._nature.overhead) * self._nature.speed
            job.left = min(job.recording.audio, job.left - heard + self._nature.heard_again)
            self._queue.put(job, first=True)
            self._hand_out()

    def _dry(self) -> bool:
        drought = self._load.drought
        return drought is not None and drought[0] * HOUR <= self._now < drought[1] * HOUR

    def _rain(self) -> None:
        for machine in self._unplaced:
            if machine.worker.id in self._machines:
                self._place(machine)
        self._unplaced = []

    def _price(self, machine: _Machine) -> float:
        return self._nature.price(machine.worker.market)

    def _unless_changed(self, machine: _Machine, happen: Callable[[_Machine], None]) -> Callable[[], None]:
        turn = machine.turn
        return lambda: happen(machine) if machine.turn == turn else None

    # ------------------------------------------------------------ the rule

    def _minute(self) -> None:
        machines = self._machines.values()
        running = [machine.worker for machine in machines if machine.runs]
        pending = [machine.worker for machine in machines if not machine.runs]
        self._mean, self._heard = learn(self._mean, self._heard), []
        in_hand = len(running) - len(self._idle)
        backlog = Backlog(
            at=BEGIN + timedelta(seconds=self._now),
            waiting=len(self._queue),
            in_hand=in_hand,
            audio_seconds=(len(self._queue) + in_hand) * self._mean,
        )
        decision = self._rule.decide(backlog, running, pending, self._refusals())
        for launch in decision.launches:
            self._launch(launch)
        for machine in list(self._idle.values())[: decision.stop]:
            self._end(machine)
        self._note()
        self._next_minute = None
        if self._machines or self._queue or self._now < self._load.hours * HOUR:
            self._next_minute = self._now + MINUTE
            self._at(self._next_minute, self._minute)

    def _refusals(self) -> Sequence[Refusal]:
        """None: where Spot is dry a request is not refused, it stays pending."""
        return ()

    def _note(self) -> None:
        spent = self.outcome.usd + sum(
            (self._now - machine.placed_at) / HOUR * self._price(machine)
            for machine in self._machines.values()
            if machine.placed_at is not None
        )
        oldest = max(0.0, self._now - self._queue.oldest())
        self.outcome.samples.append(Sample(self._now / HOUR, oldest, len(self._machines), spent))
