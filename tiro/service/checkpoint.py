"""Keeps what is heard of a recording where the next attempt finds it, and its owner meanwhile.

Stretches are gathered and written as parts, each once, ten seconds apart or a little less. S3 knows no fence: which
parts count says the trail in the job's lease, which only its holder can write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property

from tiro.checkpoint import Stretch, Trail, Written, unbroken
from tiro.details import Partial
from tiro.errors import JobNotFound, TransientError
from tiro.job import Job, Run
from tiro.language import is_spaced
from tiro.ports import CheckpointStore, Clock, JobStore

PART = timedelta(seconds=10)
"""Of the wall's clock, that may pass before what is heard is written: so many puts an hour, however fast an engine
hears. A put and its note in the lease cost as much as 30 ms of a small GPU."""

SHOWN_PARTS = 6
SHOWN_CHARACTERS = 4000
"""Of what is heard so far, the latest parts and characters that are shown: a text grows, an answer must not."""


class Notebook:
    """`ports.Checkpoint` of one attempt at a job."""

    def __init__(self, job: Job, run: Run, *, store: CheckpointStore, clock: Clock) -> None:
        self._job, self._attempt, self._store, self._clock = job, run.attempt, store, clock
        self.note: Callable[[Trail], object] | None = None  # carries the trail into the lease
        self._before = run.checkpoint
        self._parts = 0
        self._unwritten: Stretch | None = None
        self._written_at = self._added_at = clock.now()
        self._wait = timedelta()  # the longest for a stretch, since a part was written

    @cached_property
    def stretches(self) -> Sequence[Stretch]:
        """Raises ServiceUnavailable."""
        return read(self._job, self._before, self._store)

    @property
    def trail(self) -> Trail:
        """Every part that counts: those that this attempt goes on from, and its own."""
        return (*self._before, Written(attempt=self._attempt, parts=self._parts)) if self._parts else self._before

    def add(self, stretch: Stretch) -> None:
        """Take a stretch, and write a part when it is time. What S3 does not take now goes with the next one."""
        if self._unwritten is None or stretch.anew:
            self._unwritten = stretch
        else:
            self._unwritten = self._unwritten.then(stretch)
        if self._due():
            with suppress(TransientError):
                self.write()

    def _due(self) -> bool:
        """Whether a part is to be written now: another stretch, if it takes as long as others, would come too late."""
        now = self._clock.now()
        self._wait = max(self._wait, now - self._added_at)
        self._added_at = now
        return now - self._written_at + self._wait >= PART  # after half of it at the soonest: it holds the wait

    def write(self) -> None:
        """Write what is not written yet. Raises ServiceUnavailable."""
        if self._unwritten is None:
            return
        self._written_at, self._wait = self._clock.now(), timedelta()
        self._store.put(part_key(self._job, self._attempt, self._parts), self._unwritten)
        self._parts += 1
        self._unwritten = None
        if self.note:
            self.note(self.trail)


def read(job: Job, trail: Trail, store: CheckpointStore) -> tuple[Stretch, ...]:
    """Return what attempts heard before; nothing where a part of it is lost, since there is no going on without it."""
    parts = [store.get(key) for key in _keys(job, trail)]
    found = [part for part in parts if part is not None]
    return unbroken(found) if len(found) == len(parts) else ()


def partial(job: Job, run: Run | None, store: CheckpointStore) -> Partial | None:
    """Return the end of what is heard so far of a job that is not at its end; None before there is any."""
    trail = () if job.status.terminal else (run.checkpoint if run else ()) or job.checkpoint
    latest = []
    with suppress(TransientError):  # it is nice to have, and not worth an error
        latest = [part for key in _keys(job, trail)[-SHOWN_PARTS:] if (part := store.get(key))]
    shown: Sequence[Stretch] = unbroken(latest)
    if not shown:
        return None
    between = " " if is_spaced(shown[-1].language) else ""
    text = between.join(segment.text for part in shown for segment in part.segments)
    whole = shown[0].anew and len(text) <= SHOWN_CHARACTERS
    return Partial(text=text[-SHOWN_CHARACTERS:], is_whole=whole, end_seconds=round(shown[-1].end, 3))


def clear(job: Job, store: CheckpointStore) -> None:
    """Remove what is of no use any more. Where that fails, the bucket's own rule will do it."""
    with suppress(TransientError):
        store.erase(f"checkpoints/{job.owner}/{job.id}/")


def clear_if_over(job: Job, *, jobs: JobStore, store: CheckpointStore) -> None:
    """Remove what an attempt wrote that lost its job to its owner: a cancellation, or a deletion."""
    with suppress(JobNotFound, TransientError):
        if jobs.get(job.id).status.terminal:
            clear(job, store)


def part_key(job: Job, attempt: str, number: int) -> str:
    return f"checkpoints/{job.owner}/{job.id}/{attempt}/{number:06}.json"


def _keys(job: Job, trail: Trail) -> list[str]:
    return [part_key(job, written.attempt, number) for written in trail for number in range(written.parts)]
