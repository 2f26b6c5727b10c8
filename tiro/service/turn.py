"""When a job's turn comes, as far as can be guessed."""

from __future__ import annotations

from tiro.handling import Priority
from tiro.job import Job, JobStatus
from tiro.pace import estimate_wait
from tiro.ports import Clock, JobQueue, PaceStore


def wait_for_turn(job: Job, *, queue: JobQueue, pace: PaceStore, clock: Clock) -> float | None:
    """Return seconds that a queued job is still likely to wait; None for any other, and where nobody can tell."""
    if job.status is not JobStatus.QUEUED:
        return None
    lately = pace.lately(at=clock.now())
    if not lately.jobs:
        return None
    depths = [queue.depth(priority) for priority in Priority]
    before = depths if job.handling.priority is Priority.BATCH else depths[:1]  # what is interactive goes first
    return estimate_wait(sum(d.waiting for d in before) - 1, sum(d.in_hand for d in depths), lately)
