"""One look at what waits and who works, and the workers that are asked for by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiro.dispatch import Backlog, Launch, Refusal, learn, plan, retire, wanted
from tiro.handling import Priority
from tiro.ports import Clock, Gauge, LaunchStore, LengthStore, WorkerFleet
from tiro.settings import DispatchSettings

OUTDATED = "A newer image is deployed; the job goes on there."
CALLED_OFF = "No Spot machine came in time; one is asked for on demand."

SETTLED = timedelta(seconds=30)
"""So long after workers are asked for whoever looks sees them all. Under a minute, or one of the clock's rounds would
keep the next from asking."""


@dataclass(frozen=True)
class Dispatcher:
    """What a round needs of the world."""

    queue: Gauge
    fleet: WorkerFleet
    lengths: LengthStore
    launches: LaunchStore
    clock: Clock
    settings: DispatchSettings

    def run(self, durations: Sequence[float] = ()) -> Round:
        """Look, and ask for what is missing. `durations` are seconds of recordings that were queued just now.

        How much audio waits is the queue's number of messages times the mean length of those that came in lately:
        exact enough for a fleet, never adrift, and no write for each job (docs/decisions/0011-dispatcher.md).
        Raises ServiceUnavailable.
        """
        backlog = self._backlog(durations)
        fleet = self.fleet.look()
        planned = plan(backlog, fleet.running, fleet.pending, self.settings, refusals=fleet.refusals)
        launches = planned if planned and self._may_launch(backlog.at) else ()
        refused = [refusal for launch in launches for refusal in self._launch(launch)]
        retired = () if planned else retire(fleet.running, fleet.pending)
        if retired:
            self.fleet.stop(retired, why=OUTDATED)
        return Round(
            backlog=backlog,
            wanted=wanted(backlog, self.settings),
            running=len(fleet.running),
            pending=len(fleet.pending),
            launches=launches,
            retired=retired,
            refusals=(*fleet.refusals, *refused),
        )

    def _backlog(self, durations: Sequence[float]) -> Backlog:
        mean = self.lengths.get() or self.settings.mean_audio_seconds
        if durations:
            mean = learn(mean, durations)
            self.lengths.put(mean)
        priorities = tuple(Priority) if self.settings.batch_queue_url else (Priority.INTERACTIVE,)
        depths = [self.queue.depth(priority) for priority in priorities]
        waiting, in_hand = sum(depth.waiting for depth in depths), sum(depth.in_hand for depth in depths)
        return Backlog(
            at=self.clock.now(),
            waiting=waiting,
            in_hand=in_hand,
            # What is in hand is half heard, in the mean.
            audio_seconds=mean * (waiting + in_hand / 2),
        )

    def _may_launch(self, seen_at: datetime) -> bool:
        """Say whether all that were ever asked for are seen: else another round just asked for those that lack.

        Each shard of the stream has rounds of its own, beside those of the clock (docs/decisions/0017-rounds.md).
        """
        return self.launches.note(self.clock.now(), unless_since=seen_at - SETTLED)

    def _launch(self, launch: Launch) -> Sequence[Refusal]:
        refused = self.fleet.launch(launch)
        called_off = launch.instead_of[: launch.count - len(refused)]  # none for whom nobody comes
        if called_off:
            self.fleet.stop(called_off, why=CALLED_OFF)
        return refused


@dataclass(frozen=True)
class Round:
    """What was seen, and what was done about it."""

    backlog: Backlog
    wanted: int
    running: int
    pending: int
    launches: tuple[Launch, ...]
    retired: tuple[str, ...]
    refusals: tuple[Refusal, ...]
