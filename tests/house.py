"""All of Tiro on fakes: the pieces wired as functions/wiring.py and container/main.py wire the real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from container.stopping import Stopping
from container.telemetry import Telemetry
from container.watchdog import Watchdog
from container.worker import Worker, World
from tests.factories import make_transcript
from tests.fakes import FakeClock, FakeJobStore, FakeRunStore, FakeTranscriber, FakeTranscriptStore
from tests.fakes_checkpoints import FakeCheckpointStore
from tests.fakes_delivery import FakeDeliveryStore
from tests.fakes_fetch import FakeFetchQueue, FakeFetchStore, FakePartStore
from tests.fakes_media import FakeMediaReader, FakeMediaStore
from tests.fakes_queue import FakeJobQueue
from tiro import service
from tiro.errors import ServiceUnavailable
from tiro.job import Job
from tiro.message import JobMessage
from tiro.ports import Clock, Received, Transcriber
from tiro.request import S3Object, TranscriptionRequest, parse_request
from tiro.service import Claim, Declined, LeaseTerms, ObjectCreated, Reaped, Reaper, ReapTerms
from tiro.settings import ApiSettings, WorkerSettings
from tiro.upload import Upload

NAMES: dict[str, Any] = {
    "table": "table",
    "queue_url": "queue",
    "fetch_queue_url": "fetches",
    "delivery_queue_url": "deliveries",
    "media_bucket": "media",
    "transcript_bucket": "transcripts",
}


WORKER_NAMES = {name: value for name, value in NAMES.items() if name not in ("fetch_queue_url", "delivery_queue_url")}

TERMS = LeaseTerms(seconds=120, max_attempts=3)


@dataclass
class House:
    """One owner's day: submit, put, arrived, work. Every fake is open to be looked into."""

    clock: FakeClock = field(default_factory=FakeClock)
    worker_clock: Clock | None = None  # of a worker whose clock is another
    transcriber: Transcriber = field(default_factory=lambda: FakeTranscriber(make_transcript()))
    settings: ApiSettings = field(default_factory=lambda: ApiSettings(**NAMES))
    worker_settings: WorkerSettings = field(default_factory=lambda: WorkerSettings(**WORKER_NAMES))
    stopping: Stopping = field(default_factory=Stopping)
    log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jobs = FakeJobStore()
        self.runs = FakeRunStore(self.jobs)
        self.media = FakeMediaStore(self.clock)
        self.reader = FakeMediaReader()
        self.transcripts = FakeTranscriptStore()
        self.checkpoints = FakeCheckpointStore(self.transcripts)
        self.queue = FakeJobQueue(self.clock)
        self.fetch_queue = FakeFetchQueue(self.clock)
        self.fetches = FakeFetchStore()
        self.parts = FakePartStore(self.media)
        self.watchdog = Watchdog(600, log=self.note, health_file=self.worker_settings.heartbeat_file)  # no thread
        self.metrics = list[dict[str, Any]]()  # every line that was told
        self.telemetry = Telemetry(
            "test", self.worker_clock or self.clock, write=lambda line: self.metrics.append(json.loads(line))
        )
        self.deliveries = FakeDeliveryStore()
        self._writes = 0

    def submit(self, body: str, *, owner: str = "ada") -> tuple[Job, Upload | None]:
        """What a caller POSTs."""
        return self._submit(parse_request(body), owner=owner)

    def make(self, request: TranscriptionRequest, *, trace: str | None = None) -> Job:
        """What a caller asks for by a call that has a trace."""
        return self._submit(request, owner="ada", trace=trace)[0]

    def _submit(self, request: TranscriptionRequest, *, owner: str, **known: str | None) -> tuple[Job, Upload | None]:
        """`known` beforehand may be the job's trace, its batch or its id."""
        return service.submit(
            request,
            owner=owner,
            **known,
            jobs=self.jobs,
            media=self.media,
            queue=self.queue,
            fetches=self.fetch_queue,
            parts=self.parts,
            clock=self.clock,
            settings=self.settings,
        )

    def put(self, key: str, body: bytes = b"speech", **metadata: str) -> ObjectCreated:
        """Write an object; return the event that S3 will send some time later, perhaps twice."""
        version = self.media.put(key, body, metadata=metadata)
        self._writes += 1
        return ObjectCreated(S3Object(bucket="media", key=key), version, f"{self._writes:018X}")

    def arrived(self, created: ObjectCreated) -> Job | None:
        """S3 says that an object is there."""
        return service.arrived(
            created,
            jobs=self.jobs,
            media=self.media,
            reader=self.reader,
            queue=self.queue,
            transcripts=self.transcripts,
            clock=self.clock,
            limits=self.settings,
        )

    def drop(self, key: str, body: bytes = b"speech", **metadata: str) -> Job:
        """Write an object into the inbox, and let S3 say so."""
        job = self.arrived(self.put(key, body, **metadata))
        assert job
        return job

    def work(self) -> Received | None:
        """Let a worker take one message; return it, or None when there was none."""
        received = self.queue.receive(wait_seconds=0)
        if received:
            self.worker().handle(received)
        return received

    def claim(self, message: JobMessage, *, receives: int = 1) -> Claim | Declined:
        """Take a job in hand, and stop there: what becomes of it is the test's to say."""
        return service.claim(
            message,
            receives=receives,
            jobs=self.jobs,
            runs=self.runs,
            transcripts=self.transcripts,
            clock=self.worker_clock or self.clock,
            terms=TERMS,
        )

    def cancel(self, job: Job) -> Job:
        return service.cancel(job, jobs=self.jobs, runs=self.runs, parts=self.parts, clock=self.clock)

    def delete(self, job: Job) -> None:
        service.delete(
            job,
            jobs=self.jobs,
            runs=self.runs,
            media=self.media,
            transcripts=self.transcripts,
            parts=self.parts,
            deliveries=self.deliveries,
            clock=self.clock,
        )

    def retry(self, job: Job) -> Job:
        return service.retry(
            job,
            jobs=self.jobs,
            media=self.media,
            queue=self.queue,
            fetches=self.fetch_queue,
            clock=self.clock,
            settings=self.settings,
        )

    def bury(self, message: JobMessage) -> Job | None:
        """Give a message up, as a dead letter."""
        return service.bury(message, jobs=self.jobs, runs=self.runs, transcripts=self.transcripts, clock=self.clock)

    def expire(self) -> Sequence[Job]:
        """Let the schedule fail what never came."""
        return service.expire(jobs=self.jobs, parts=self.parts, transcripts=self.transcripts, clock=self.clock)

    def reap(self, patience: float = 300.0) -> Reaped:
        """Let the reaper make its round."""
        return Reaper(
            jobs=self.jobs,
            runs=self.runs,
            fetches=self.fetches,
            queue=self.queue,
            fetch_queue=self.fetch_queue,
            backlog=self.queue,
            fetch_backlog=self.fetch_queue,
            parts=self.parts,
            transcripts=self.transcripts,
            clock=self.clock,
            terms=ReapTerms(patience_seconds=patience, max_attempts=self.worker_settings.max_attempts),
        ).round()

    def worker(self) -> Worker:
        world = World(
            jobs=self.jobs,
            runs=self.runs,
            transcripts=self.transcripts,
            checkpoints=self.checkpoints,
            queue=self.queue,
            transcriber=self.transcriber,
            clock=self.worker_clock or self.clock,
            watchdog=self.watchdog,
            telemetry=self.telemetry,
        )
        return Worker(world, self.worker_settings, self.stopping, self.note)

    def note(self, event: str, *, error: BaseException | None = None, **fields: object) -> None:
        self.log.append({"event": event, "error": error, **fields})


def code(job: Job | None) -> str:
    """Return what a job's problem is called."""
    assert job
    assert job.problem
    return job.problem.code


def breaks(*_: object, **__: object) -> None:
    """What any call does while AWS does not answer."""
    raise ServiceUnavailable
