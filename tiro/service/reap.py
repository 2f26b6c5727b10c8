"""Nobody holds it, nobody will come for it: the reaper finds what was left, and sends it on or ends it with a reason.

Everything that could be left stands on the index `due`, by the time from which on it may be. A job that waits for a
worker stands there by when its message was sent, and is looked at only when the queue itself is known to hold no
message so old: a deep backlog costs a question and no more, and is never doubled (docs/decisions/0010).

Each step may be broken off and done again: a message is sent first, and one that is too many is a leftover.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from tiro.checkpoint import Trail
from tiro.errors import Conflict, JobNotFound, TransientError
from tiro.fetch import Fetch
from tiro.job import Job, JobStatus, Run
from tiro.message import FetchMessage, JobMessage
from tiro.ports import (
    Backlog,
    Clock,
    FetchQueue,
    FetchStore,
    JobQueue,
    JobStore,
    PartStore,
    RunStore,
    TranscriptStore,
)
from tiro.service.end import died, expire, fail

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ReapTerms:
    patience_seconds: float  # whoever is only late may still come; the queue's own counts lag by a minute
    max_attempts: int
    round_seconds: float = 20.0  # what is left then, the next round finds
    limit: int = 500  # of each kind in a round


@dataclass
class Reaped:
    """What a round did: the ids of jobs. `troubles` are what did not answer; the next round tries again."""

    expired: list[str] = field(default_factory=list)  # their recording never came
    failed: list[str] = field(default_factory=list)  # the last worker that they may have died
    taken_back: list[str] = field(default_factory=list)  # a worker died, and another may have them
    sent_again: list[str] = field(default_factory=list)  # their message was gone
    fetched_again: list[str] = field(default_factory=list)  # the message that brings their fetch on was gone
    troubles: list[TransientError] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in vars(self).items()}

    def ids(self) -> dict[str, list[str]]:
        """Return which jobs, for a log."""
        return {f"{name}_ids": ids for name, ids in vars(self).items() if ids and name != "troubles"}


@dataclass(frozen=True, kw_only=True)
class Reaper:
    """Everybody may call it, at any time and twice at once: every write is conditional."""

    jobs: JobStore
    runs: RunStore
    fetches: FetchStore
    queue: JobQueue
    fetch_queue: FetchQueue
    backlog: Backlog
    fetch_backlog: Backlog
    parts: PartStore
    transcripts: TranscriptStore
    clock: Clock
    terms: ReapTerms

    def round(self) -> Reaped:
        """Look once at everything that may have been left. One that is in trouble keeps no other waiting."""
        reaped = Reaped()
        until = self.clock.now() + timedelta(seconds=self.terms.round_seconds)
        with _noting(reaped):
            reaped.expired += self._expire()
        with _noting(reaped):
            for job_id, run in self._in_time(self.runs.lapsed(self._patience(), self.terms.limit), until):
                with _noting(reaped):
                    self._release(job_id, run, reaped)
        with _noting(reaped):
            before = self._surely_gone(self.backlog)
            for job in self._in_time(self.jobs.waiting(before, self.terms.limit) if before else (), until):
                with _noting(reaped):
                    self._send_again(job, reaped)
        with _noting(reaped):
            before = self._surely_gone(self.fetch_backlog)
            for fetch in self._in_time(self.fetches.silent(before, self.terms.limit) if before else (), until):
                with _noting(reaped):
                    self._fetch_again(fetch, reaped)
        return reaped

    def _expire(self) -> list[str]:
        failed = expire(
            jobs=self.jobs, parts=self.parts, transcripts=self.transcripts, clock=self.clock, limit=self.terms.limit
        )
        return [job.id for job in failed]

    def _release(self, job_id: str, run: Run, reaped: Reaped) -> None:
        """The lease ran out long ago, and nobody took the job over."""
        job = self.jobs.get(job_id)
        if job.status is not JobStatus.PROCESSING:
            return
        if job.attempts >= self.terms.max_attempts:
            held = (self.runs, run.attempt)
            fail(job, died(job), jobs=self.jobs, transcripts=self.transcripts, clock=self.clock, held=held)
            reaped.failed.append(job_id)
        else:
            resent = self._resend(job, checkpoint=run.checkpoint)
            self.runs.finish(job, resent, run.attempt)
            reaped.taken_back.append(job_id)

    def _send_again(self, job: Job, reaped: Reaped) -> None:
        resent = self._resend(job)
        self.jobs.save(job, resent)
        reaped.sent_again.append(job.id)

    def _resend(self, job: Job, checkpoint: Trail = ()) -> Job:
        resent = job.resent(at=self.clock.now(), checkpoint=checkpoint)
        self.queue.send(JobMessage.of(resent), owner=job.owner, priority=job.handling.priority)
        return resent

    def _fetch_again(self, fetch: Fetch, reaped: Reaped) -> None:
        owner = self.jobs.get(fetch.job_id).owner
        self.fetch_queue.send(FetchMessage(job_id=fetch.job_id, round=fetch.round), owner=owner)
        self.fetches.save(fetch, fetch.resent(at=self.clock.now()))
        reaped.fetched_again.append(fetch.job_id)

    def _in_time(self, left: Iterable[T], until: datetime) -> Iterator[T]:
        for one in left:
            if self.clock.now() >= until:
                return
            yield one

    def _patience(self) -> datetime:
        return self.clock.now() - timedelta(seconds=self.terms.patience_seconds)

    def _surely_gone(self, backlog: Backlog) -> datetime | None:
        """Return a time of which no message is left: whatever waits for one that was sent before, waits in vain."""
        cleared = backlog.cleared_until(self.clock.now())
        return None if cleared is None else min(self._patience(), cleared)


@contextmanager
def _noting(reaped: Reaped) -> Iterator[None]:
    """Go on after what somebody else was first at, and after what does not answer now."""
    try:
        yield
    except (Conflict, JobNotFound):
        pass
    except TransientError as error:
        reaped.troubles.append(error)
