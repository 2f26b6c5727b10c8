"""The world in memory. Each fake passes the same contract suite as the adapter it stands for (tests/contract)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from tests.factories import make_transcript
from tiro.delivery import Event, event_of
from tiro.errors import Conflict, JobNotFound, LeaseLost, NotStorable, TranscriptUnavailable
from tiro.job import Drop, Job, JobStatus, Media, Run
from tiro.ports import Checkpoint, OnProgress
from tiro.quota import Counted, Usage, day_of
from tiro.request import Options
from tiro.stored import encode
from tiro.transcript import Transcript


class FakeClock:
    """Stands still until `advance` is called; its entropy counts, so that ids differ and repeat in every run."""

    def __init__(self, at: datetime = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)) -> None:
        self._now = at
        self._drawn = 0

    def now(self) -> datetime:
        return self._now

    def entropy(self) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(10, "big") + bytes(6)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


LARGEST_ITEM = 400 * 1024
"""Bytes that DynamoDB takes in an item (Developer Guide, "Constraints")."""


def check_storable(model: BaseModel) -> None:
    """Raise NotStorable for what an item of DynamoDB cannot hold."""
    if len(encode(model).encode()) > LARGEST_ITEM:
        raise NotStorable("It is larger than an item.")


class FakeJobStore:
    """The jobs in a dict; `FakeRunStore` writes into the same one."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.drops: dict[Drop, str] = {}
        self.usage: dict[str, Usage] = {}  # of each owner; its audio_seconds are those of all days
        self.events: list[Event] = []  # that changes had to tell
        self.audio: dict[tuple[str, str], float] = {}  # seconds, of an owner on a day

    def create(self, job: Job) -> Job:
        drop = None if job.retry_of else job.drop
        if drop in self.drops:
            return self.get(self.drops[drop])
        if job.id in self.jobs:
            if self.jobs[job.id] != job:
                raise Conflict
            return job
        self.store(None, job)
        if drop:
            self.drops[drop] = job.id
        return job

    def store(self, before: Job | None, after: Job) -> None:
        """Write a job, whatever is there, and count it. Raises NotStorable."""
        check_storable(after)
        self.jobs[after.id] = after
        if event := event_of(before, after):
            self.events.append(event)
        counted, known = Counted.of(before, after), self.usage.get(after.owner, Usage())
        since = known.since or f"{after.created_at:%Y-%m}"
        self.usage[after.owner] = Usage(known.jobs + counted.jobs, 0.0, since)
        day = after.owner, day_of(after.finished_at or after.queued_at or after.created_at)
        self.audio[day] = self.audio.get(day, 0.0) + round(counted.audio_seconds, 3)

    def used(self, owner: str, at: datetime) -> Usage:
        return replace(self.usage.get(owner, Usage()), audio_seconds=self.audio.get((owner, day_of(at)), 0.0))

    def get(self, job_id: str) -> Job:
        if job_id not in self.jobs:
            raise JobNotFound
        return self.jobs[job_id]

    def save(self, before: Job, after: Job) -> None:
        if self.accepts(before, after):
            self.store(before, after)
        elif self.jobs.get(after.id) != after:
            raise Conflict

    def accepts(self, before: Job, after: Job) -> bool:
        """Return whether `before` is still what is stored."""
        stored = self.jobs.get(after.id)
        return stored is not None and stored.revision == before.revision

    def newest(self, drop: Drop) -> bool:
        return not any(
            (other.bucket, other.key) == (drop.bucket, drop.key) and other.newer_than(drop.sequencer)
            for other in self.drops
        )

    def overdue(self, now: datetime, limit: int) -> Sequence[Job]:
        waiting = [job for job in self.jobs.values() if job.status is JobStatus.AWAITING_MEDIA]
        due = [(job.upload_expires_at, job) for job in waiting if job.upload_expires_at]
        return [job for at, job in sorted(due, key=lambda entry: entry[0]) if at < now][:limit]

    def waiting(self, before: datetime, limit: int) -> Sequence[Job]:
        sent = [(job.sent_at or job.queued_at or job.created_at, job) for job in self.jobs.values()]
        queued = [(at, job) for at, job in sent if job.status is JobStatus.QUEUED and at < before]
        return [job for _, job in sorted(queued, key=lambda entry: entry[0])][:limit]

    def untidy(self, now: datetime, limit: int) -> Sequence[Job]:
        due = [(job.tidy_at, job) for job in self.jobs.values() if job.tidy_at]
        return [job for at, job in sorted(due, key=lambda entry: entry[0]) if at < now][:limit]


class FakeRunStore:
    def __init__(self, jobs: FakeJobStore) -> None:
        self.runs: dict[str, Run] = {}
        self._jobs = jobs

    def claim(self, before: Job, after: Job, run: Run, *, now: datetime) -> None:
        held = self.runs.get(after.id)
        if held == run and self._jobs.jobs.get(after.id) == after:
            return
        if (held and held.lease_expires_at >= now) or not self._jobs.accepts(before, after):
            raise Conflict
        self._jobs.store(before, after)
        self.runs[after.id] = run

    def renew(self, job_id: str, run: Run) -> None:
        check_storable(run)
        if not self._holds(job_id, run.attempt):
            raise LeaseLost
        self.runs[job_id] = run

    def finish(self, before: Job, after: Job, attempt: str) -> None:
        if self._jobs.jobs.get(after.id) == after:
            return
        if not self._holds(after.id, attempt):
            raise LeaseLost
        if not self._jobs.accepts(before, after):
            raise Conflict
        self._jobs.store(before, after)
        del self.runs[after.id]

    def get(self, job_id: str) -> Run | None:
        return self.runs.get(job_id)

    def lapsed(self, before: datetime, limit: int) -> Sequence[tuple[str, Run]]:
        lapsed = [(job_id, run) for job_id, run in self.runs.items() if run.lease_expires_at < before]
        return sorted(lapsed, key=lambda entry: entry[1].lease_expires_at)[:limit]

    def _holds(self, job_id: str, attempt: str) -> bool:
        held = self.runs.get(job_id)
        return held is not None and held.attempt == attempt


class FakeTranscriptStore:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.media_types: dict[str, str] = {}

    def put(self, key: str, transcript: Transcript) -> None:
        self._write(key, encode(transcript).encode(), "application/json")

    def get(self, key: str) -> Transcript:
        try:
            return Transcript.model_validate_json(self.objects[key])
        except (KeyError, ValueError):
            raise TranscriptUnavailable("It cannot be read. Submit the recording again.") from None

    def publish(self, key: str, body: bytes, media_type: str, *, current: Callable[[], bool]) -> bool:
        while True:
            seen = self.objects.get(key)
            if not current():
                return False
            if self.objects.get(key) is seen:
                break
        self._write(key, body, media_type)
        return True

    def withdraw(self, key: str) -> None:
        self.objects.pop(key, None)

    def erase(self, prefix: str) -> None:
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def lend(self, key: str, body: bytes, content_type: str, *, seconds: int) -> str:
        self._write(key, body, content_type)
        return f"https://transcripts.test/{key}?for={seconds}"

    def _write(self, key: str, body: bytes, media_type: str) -> None:
        self.objects[key] = body
        self.media_types[key] = media_type


class FakeTranscriber:
    """Hears what the script says: each call takes the next outcome, and the last one serves for ever.

    Before it answers it reports progress after each of `steps`, a share of the duration from 0 to 1.
    """

    def __init__(self, *outcomes: Transcript | Exception, steps: Sequence[float] = (0.5, 1.0)) -> None:
        self._outcomes = list(outcomes)
        self._steps = steps
        self.heard: list[Media] = []
        self.options: list[Options] = []

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        self.heard.append(media)
        self.options.append(options)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        for step in self._steps:
            on_progress(step * outcome.duration, outcome.duration)
        return outcome


class During:
    """A transcriber during whose work something happens; it goes on until it is told to stop, or to its end."""

    def __init__(self, happens: Callable[[], object], *, endless: bool = False) -> None:
        self._happens, self._endless = happens, endless

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        self._happens()
        on_progress(1.0, 2.0)
        while self._endless:
            on_progress(1.0, 2.0)
        return make_transcript()
