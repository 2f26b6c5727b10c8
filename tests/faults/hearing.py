"""How much audio was heard, and how much of it more than once.

A recording is heard in windows, which are the same wherever it is taken up again. The words, in seconds of windows:

- *heard*: given to the engine by an attempt; counted once for an attempt, however often that redoes it.
- *settled*: heard for good by an attempt, with all before it, and handed over to the checkpoint.
- *again*: heard by an attempt after another one at the same recording had begun to hear it.
- *in flight*: of that, what the attempt before had not settled when this one took the recording up.
- *beyond*: of that, what the attempt before had settled before, and what it knew of it was lost all the same.
- *finished*: of what is beyond, what an attempt had settled that came to the recording's end, and only had to say so.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, field

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


@dataclass(frozen=True)
class Audio:
    """Seconds, by the words above."""

    heard: float = 0.0
    in_flight: float = 0.0
    beyond: float = 0.0
    finished: float = 0.0

    def __add__(self, other: Audio) -> Audio:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Audio(*(round(one + another, 3) for one, another in pairs))

    @property
    def again(self) -> float:
        return self.in_flight + self.beyond


@dataclass
class Recording:
    """What was heard of one recording, told in the order in which it happened."""

    audio: Audio = field(default_factory=Audio)
    begun: set[tuple[str, Stretch]] = field(default_factory=set)  # by which attempt
    last: dict[Stretch, str] = field(default_factory=dict)  # the attempt that was the last to begin it
    settled: set[tuple[str, Stretch]] = field(default_factory=set)  # by the last that began it
    latest: str = ""  # the attempt that took it up last
    finished: set[str] = field(default_factory=set)  # attempts that came to its end

    def begin(self, attempt: str, stretch: Stretch) -> None:
        if (attempt, stretch) in self.begun:
            return
        self.begun.add((attempt, stretch))
        before = self.last.get(stretch)
        self.last[stretch] = attempt
        lost = before is not None and (before, stretch) in self.settled
        self.audio += Audio(
            heard=stretch.seconds,
            in_flight=stretch.seconds if before and not lost else 0.0,
            beyond=stretch.seconds if lost else 0.0,
            finished=stretch.seconds if lost and before in self.finished else 0.0,
        )

    def settle(self, attempt: str, stretch: Stretch) -> None:
        if self.latest == attempt:  # else it has lost the job, and does not know it yet
            self.settled.add((attempt, stretch))


@dataclass
class Heard:
    """What workers say that they hear, by the keys of recordings. Any thread may tell it."""

    recordings: dict[str, Recording] = field(default_factory=lambda: defaultdict(Recording))

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def note(self, event: str, recording: str, attempt: str, window: Sequence[object] = ()) -> None:
        """Take what a worker says: one of `EVENTS`, and where a window lies that it is about."""
        with self._lock:
            known = self.recordings[recording]
            match event, tuple(window):
                case "begun", (int(start), int(end), str(channel)):
                    known.begin(attempt, Stretch(start, end, channel))
                case "settled", (int(start), int(end), str(channel)):
                    known.settle(attempt, Stretch(start, end, channel))
                case "taken up", _:
                    known.latest = attempt
                case "finished", _:
                    known.finished.add(attempt)
                case _:
                    raise ValueError(event)

    def audio(self, recordings: Collection[str] | None = None) -> Audio:
        """Add up what was heard of these; of all, where none are named."""
        with self._lock:
            wanted = self.recordings if recordings is None else recordings
            return sum((self.recordings[each].audio for each in wanted if each in self.recordings), Audio())


EVENTS = {
    "recording taken up": "taken up",
    "window begun": "begun",
    "window settled": "settled",
    "recording heard": "finished",
}
"""What a worker of the campaign logs of its hearing, and what it is called here."""
