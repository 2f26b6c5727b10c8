"""The world in memory. Each fake passes the same contract suite as the adapter it stands for (tests/contract)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tiro.delivery import Event, event_of
from tiro.errors import Conflict, JobNotFound, LeaseLost, MediaNotFound, TranscriptUnavailable
from tiro.handling import Priority
from tiro.job import Drop, Job, JobStatus, Media, Run
from tiro.message import JobMessage
from tiro.pace import Depth
from tiro.ports import Checkpoint, MediaInfo, OnProgress, Received
from tiro.quota import Counted, Usage, day_of
from tiro.request import Options, S3Object
from tiro.transcript import Transcript
from tiro.upload import Upload


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
        """Write a job, whatever is there, and count it."""
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


@dataclass(frozen=True)
class StoredObject:
    """One version of an object; `body` is None for a delete marker."""

    body: bytes | None
    version: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "binary/octet-stream"

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()}"'


class FakeMediaStore:
    """Buckets that keep every version. `put`, `tag` and `delete` are what the world does to them."""

    def __init__(self, clock: FakeClock, bucket: str = "media") -> None:
        self.bucket = bucket
        self.reads: list[tuple[int, int]] = []  # every range that was asked for
        self._clock = clock
        self._objects: dict[tuple[str, str], list[StoredObject]] = {}  # oldest first

    def put(
        self,
        key: str,
        body: bytes,
        *,
        bucket: str | None = None,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "binary/octet-stream",
    ) -> str:
        """Write an object; return its version."""
        return self._append(bucket, key, body, metadata or {}, content_type)

    def tag(self, key: str, tags: Mapping[str, str], *, bucket: str | None = None) -> None:
        versions = self._objects[bucket or self.bucket, key]
        last = versions[-1]
        versions[-1] = StoredObject(
            last.body, last.version, {**_lower(last.metadata), **_lower(tags)}, last.content_type
        )

    def delete(self, key: str, *, bucket: str | None = None) -> None:
        self._append(bucket, key, None, {}, "")

    def _append(
        self, bucket: str | None, key: str, body: bytes | None, metadata: Mapping[str, str], content_type: str
    ) -> str:
        versions = self._objects.setdefault((bucket or self.bucket, key), [])
        versions.append(StoredObject(body, f"v{len(versions) + 1}", metadata, content_type))
        return versions[-1].version

    def head(self, source: S3Object, version: str | None = None) -> MediaInfo:
        found = self._find(source.bucket, source.key, version)
        if found is None or found.body is None:
            raise MediaNotFound
        metadata = _lower(found.metadata)
        media = Media(
            bucket=source.bucket,
            key=source.key,
            version=found.version,
            etag=found.etag,
            size=len(found.body),
            content_type=found.content_type,
            name=metadata.get("name") or source.key.rsplit("/", 1)[-1] or None,
        )
        return MediaInfo(media=media, metadata=metadata)

    def read(self, media: Media, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        found = self._find(media.bucket, media.key)
        if found and found.body is not None and media.etag and found.etag != media.etag:
            found = self._find(media.bucket, media.key, media.version) if media.version else None
        if found is None or found.body is None:
            raise MediaNotFound
        return found.body[start:end]

    def _find(self, bucket: str, key: str, version: str | None = None) -> StoredObject | None:
        versions = self._objects.get((bucket, key), [])
        return next((v for v in reversed(versions) if version in (None, v.version)), None)

    def keys(self, prefix: S3Object, *, after: str | None, limit: int) -> tuple[Sequence[str], bool]:
        there = (
            key
            for (bucket, key), versions in self._objects.items()
            if bucket == prefix.bucket and versions[-1].body is not None
        )
        found = sorted(key for key in there if key.startswith(prefix.key) and key > (after or ""))
        return found[:limit], len(found) > limit

    def erase(self, source: S3Object) -> None:
        self._objects.pop((source.bucket, source.key), None)

    def keep(self, key: str, body: bytes, *, content_type: str | None) -> Media:
        version = self.put(key, body, content_type=content_type or "binary/octet-stream")
        found = self.head(S3Object(bucket=self.bucket, key=key), version).media
        return found.model_copy(update={"content_type": content_type, "name": None})

    def lend(self, media: Media, *, content_type: str, seconds: int) -> str:
        return f"https://{media.bucket}.test/{media.key}?versionId={media.version}&type={content_type}&for={seconds}"

    def presign_upload(self, key: str, *, content_type: str | None, size: int | None, seconds: int) -> Upload:
        headers = {"Content-Type": content_type, "Content-Length": None if size is None else str(size)}
        return Upload(
            method="PUT",
            url=f"https://{self.bucket}.test/{key}",
            headers={name: value for name, value in headers.items() if value is not None},
            expires_at=self._clock.now() + timedelta(seconds=seconds),
        )


def _lower(values: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in values.items()}


class FakeTranscriptStore:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.media_types: dict[str, str] = {}

    def put(self, key: str, transcript: Transcript) -> None:
        self._write(key, transcript.model_dump_json().encode(), "application/json")

    def get(self, key: str) -> Transcript:
        try:
            return Transcript.model_validate_json(self.objects[key])
        except (KeyError, ValueError):
            raise TranscriptUnavailable from None

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


LONGEST_HIDDEN = timedelta(hours=12)
"""From its receive on, however often it is extended (SQS developer guide, "Amazon SQS visibility timeout")."""


@dataclass
class _Queued:
    body: str
    owner: str
    visible_at: datetime
    sent_at: datetime
    priority: Priority
    receives: int = 0
    received_at: datetime | None = None  # the latest time


class FakeJobQueue:
    """A queue on the fake clock: what was received is hidden for `visibility` seconds, unless extended."""

    def __init__(self, clock: FakeClock, *, visibility: float = 120.0) -> None:
        self._clock = clock
        self._visibility = visibility
        self._messages: dict[int, _Queued] = {}
        self._sent = 0

    def __len__(self) -> int:
        """Return how many messages there are, hidden ones included."""
        return len(self._messages)

    def send(self, message: JobMessage, *, owner: str, priority: Priority = Priority.INTERACTIVE) -> None:
        self.send_raw(message.model_dump_json(), owner=owner, priority=priority)

    def send_raw(self, body: str, *, owner: str = "anybody", priority: Priority = Priority.INTERACTIVE) -> None:
        """Put anything on the queue, as only somebody from outside would."""
        self._sent += 1
        self._messages[self._sent] = _Queued(body, owner, self._clock.now(), self._clock.now(), priority)

    def receive(self, *, wait_seconds: int) -> Received | None:
        now = self._clock.now()
        # Stable, and False comes first: what is interactive, in the order in which it was sent.
        for number, message in sorted(self._messages.items(), key=lambda sent: sent[1].priority is Priority.BATCH):
            if message.visible_at <= now:
                message.receives += 1
                message.received_at = now
                message.visible_at = now + timedelta(seconds=self._visibility)
                return Received(message.body, f"{number}:{message.receives}", message.receives, message.priority)
        return None

    def depth(self, priority: Priority) -> Depth:
        now = self._clock.now()
        visible = [message.visible_at <= now for message in self._messages.values() if message.priority is priority]
        return Depth(sum(visible), len(visible) - sum(visible))

    def extend(self, received: Received, *, seconds: int) -> None:
        message, now = self._in_hand(received), self._clock.now()
        if message and message.received_at and message.visible_at > now:
            message.visible_at = min(now + timedelta(seconds=seconds), message.received_at + LONGEST_HIDDEN)

    def delete(self, received: Received) -> None:
        if self._in_hand(received):
            del self._messages[int(received.handle.partition(":")[0])]

    def cleared_until(self, now: datetime) -> datetime | None:
        """Tell, as ports.Backlog, of this very queue."""
        return min((message.sent_at for message in self._messages.values()), default=now)

    def lose(self, number: int = 0) -> None:
        """Forget a message, as no queue should."""
        if self._messages:
            del self._messages[sorted(self._messages)[number % len(self._messages)]]

    def _in_hand(self, received: Received) -> _Queued | None:
        number, _, receives = received.handle.partition(":")
        message = self._messages.get(int(number))
        return message if message and message.receives == int(receives) else None


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


class FakeMediaReader:
    """Knows the durations it is told, by key."""

    def __init__(self, durations: Mapping[str, float] | None = None) -> None:
        self.durations = dict(durations or {})

    def duration(self, media: Media) -> float | None:
        return self.durations.get(media.key)
