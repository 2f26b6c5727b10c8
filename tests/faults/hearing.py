"""How much audio was heard, and how much of it more than once.

A recording is heard in windows, which are the same wherever it is taken up again. The words, in seconds of windows:

- *heard*: given to the engine by an attempt; counted once for an attempt, however often that redoes it.
- *settled*: heard for good, with all before it, and handed over to the checkpoint. Only then is it out of the
  attempt's hands: until its text stands, and that of what came before it, it is *in flight*.
- *again*: heard by more than one attempt; all that is heard, less each window once.
- *in flight*: of that, what its attempt never settled, because it died, was stopped, or lost the job.
- *beyond*: of that, the rest: it was settled, and settled by a later attempt all the same.
- *finished*: of what is beyond, what an attempt had settled that heard its recording to the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tiro.ports import SAMPLE_RATE


@dataclass(frozen=True)
class Stretch:
    """A window's place in its recording, in samples."""

    start: int
    end: int
    channel: str

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / SAMPLE_RATE


@dataclass
class Attempt:
    """What one attempt at a recording heard."""

    begun: set[Stretch] = field(default_factory=set)
    settled: set[Stretch] = field(default_factory=set)
    finished: bool = False  # whether it came to the recording's end


@dataclass(frozen=True)
class Audio:
    """Seconds, by the words above."""

    heard: float
    again: float
    in_flight: float
    beyond: float
    finished: float


@dataclass
class Heard:
    """What workers say that they hear; `recordings` by their keys, with their attempts in the order they began."""

    recordings: dict[str, dict[str, Attempt]] = field(default_factory=dict)

    def note(self, event: str, recording: str, attempt: str, window: Sequence[object] = ()) -> None:
        """Take what a worker says: an event of `EVENTS`."""
        known = self.recordings.setdefault(recording, {}).setdefault(attempt, Attempt())
        if event == "finished":
            known.finished = True
            return
        start, end, channel = window
        stretch = Stretch(int(str(start)), int(str(end)), str(channel))
        (known.begun if event == "begun" else known.settled).add(stretch)

    def audio(self, recordings: Collection[str]) -> Audio:
        """Add up what was heard of these."""
        every = [list(self.recordings.get(recording, {}).values()) for recording in recordings]
        heard = sum(_seconds(attempt.begun) for attempts in every for attempt in attempts)
        once = sum(_seconds(set().union(*(attempt.begun for attempt in attempts))) for attempts in every)
        beyond = finished = 0.0
        for attempts in every:
            before: set[Stretch] = set()
            to_the_end: set[Stretch] = set()
            for attempt in attempts:
                beyond += _seconds(attempt.settled & before)
                finished += _seconds(attempt.settled & to_the_end)
                before |= attempt.settled
                to_the_end |= attempt.settled if attempt.finished else set()
        again = heard - once
        return Audio(*(round(seconds, 1) for seconds in (heard, again, again - beyond, beyond, finished)))


EVENTS = {"window begun": "begun", "window settled": "settled", "recording heard": "finished"}
"""What a worker of the campaign logs of its hearing, and what it is called here."""


def _seconds(stretches: Collection[Stretch]) -> float:
    return sum(stretch.seconds for stretch in stretches)
