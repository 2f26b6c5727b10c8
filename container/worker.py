"""The GPU worker: receive, claim, transcribe, complete, delete. Run as `python -m container.worker`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from container import log
from container.heartbeat import Heartbeat
from container.log import Log
from container.weights import WeightsUnavailable
from tiro import service
from tiro.errors import (
    AttemptsExhausted,
    Conflict,
    Interrupted,
    MalformedMessage,
    PermanentError,
    ServiceUnavailable,
    TiroError,
)
from tiro.job import Job, Run
from tiro.message import JobMessage
from tiro.ports import Clock, JobQueue, JobStore, Received, RunStore, Transcriber, TranscriptStore
from tiro.service import Claim, Declined, LeaseTerms
from tiro.settings import SettingsError, WorkerSettings

RECEIVE_SECONDS = 2
"""Of long polling. SQS allows 20; shorter lets SIGTERM be heard sooner, for half a dollar a month."""


@dataclass(frozen=True)
class World:
    """What the worker stands on."""

    jobs: JobStore
    runs: RunStore
    transcripts: TranscriptStore
    queue: JobQueue
    transcriber: Transcriber
    clock: Clock


class Worker:
    """Takes one message after the other until it is told to stop. No job may take it down."""

    def __init__(self, world: World, settings: WorkerSettings, stopping: threading.Event, log: Log) -> None:
        self._world, self._settings, self._stopping, self._log = world, settings, stopping, log

    def run(self) -> None:
        """Work until `stopping` is set, or nothing has come for as long as the settings say."""
        idle_since = time.monotonic()
        while not self._stopping.is_set():
            self._touch()
            try:
                received = self._world.queue.receive(wait_seconds=RECEIVE_SECONDS)
            except ServiceUnavailable as error:
                self._log("receive failed", error=error)
                self._stopping.wait(RECEIVE_SECONDS)
                continue
            if received is not None:
                self.handle(received)
                idle_since = time.monotonic()
            elif 0 < self._settings.idle_exit_seconds < time.monotonic() - idle_since:
                self._log("idle", seconds=self._settings.idle_exit_seconds)
                return

    def handle(self, received: Received) -> None:
        """Do what one message asks, whatever comes of it."""
        if self._stopping.is_set():
            return self._hide(received, 0)
        try:
            message = JobMessage.parse(received.body)
        except MalformedMessage as error:
            # Nobody's job: it goes its way to the dead-letter queue, whose handler says so.
            return self._log("malformed message", error=error)
        try:
            claimed = self._claim(message, received)
            if isinstance(claimed, Claim):
                self._attempt(claimed, received)
        except (ServiceUnavailable, Conflict) as error:
            # AWS did not answer, or somebody else holds the job now. The message comes back by itself.
            self._log("left alone", job_id=message.job_id, error=error)
        except Exception as error:  # noqa: BLE001  (such as a record that cannot be read: no job takes the worker down)
            self._log("unexpected", job_id=message.job_id, error=error)
        return None

    def _claim(self, message: JobMessage, received: Received) -> Claim | Declined:
        world, settings = self._world, self._settings
        claimed = service.claim(
            message,
            receives=received.receives,
            jobs=world.jobs,
            runs=world.runs,
            transcripts=world.transcripts,
            clock=world.clock,
            terms=LeaseTerms(settings.visibility_seconds, settings.max_attempts),
        )
        if isinstance(claimed, Declined):
            self._log("declined", job_id=message.job_id, why=claimed.why, hide_seconds=claimed.hide_seconds)
            if claimed.hide_seconds is None:
                world.queue.delete(received)
            else:
                self._hide(received, claimed.hide_seconds)
        return claimed

    def _attempt(self, claim: Claim, received: Received) -> None:
        started = time.monotonic()
        self._log("claimed", job_id=claim.job.id, attempt=claim.run.attempt, attempts=claim.job.attempts)
        try:
            job = self._transcribe(claim, received)
        except Interrupted:
            service.give_back(claim, counted=False, runs=self._world.runs)
            self._hide(received, 0)
            self._log("returned", job_id=claim.job.id, why="stopping")
        except Conflict:
            raise
        except PermanentError as error:
            self._fail(claim, received, error)
        except Exception as error:  # noqa: BLE001  (a bug of ours too: the job is told, and the worker lives on)
            self._retry(claim, received, error)
        else:
            self._world.queue.delete(received)
            self._log(
                "completed",
                job_id=job.id,
                audio_seconds=job.transcript and job.transcript.duration,
                seconds=round(time.monotonic() - started, 3),
            )

    def _transcribe(self, claim: Claim, received: Received) -> Job:
        world, settings = self._world, self._settings

        def renew(run: Run) -> None:
            now = world.clock.now()
            expires = now + timedelta(seconds=settings.visibility_seconds)
            world.runs.renew(
                claim.job.id,
                run.model_copy(update={"lease_expires_at": expires, "noted_at": now if run.done else None}),
            )
            self._hide(received, settings.visibility_seconds)

        heartbeat = Heartbeat(
            claim.run, renew, every=settings.heartbeat_seconds, stopping=self._stopping, log=self._log
        )

        def progress(done: float, total: float | None) -> None:
            self._touch()
            heartbeat.progress(done, total)

        with heartbeat:
            return service.transcribe(
                claim,
                transcriber=world.transcriber,
                jobs=world.jobs,
                runs=world.runs,
                transcripts=world.transcripts,
                clock=world.clock,
                limits=settings,
                on_progress=progress,
            )

    def _retry(self, claim: Claim, received: Received, error: Exception) -> None:
        attempts = claim.job.attempts
        self._log("attempt failed", job_id=claim.job.id, attempts=attempts, error=error)
        if attempts >= self._settings.max_attempts:
            why = error.title if isinstance(error, TiroError) else "something went wrong inside Tiro"
            spent = AttemptsExhausted(f"{attempts} attempts failed, the last because: {why}. Try again later.")
            self._fail(claim, received, spent)
        else:
            service.give_back(claim, counted=True, runs=self._world.runs)
            self._hide(received, 5 * 2**attempts)

    def _fail(self, claim: Claim, received: Received, error: TiroError) -> None:
        world = self._world
        service.fail(
            claim.job,
            error,
            jobs=world.jobs,
            transcripts=world.transcripts,
            clock=world.clock,
            held=(world.runs, claim.run.attempt),
        )
        world.queue.delete(received)
        self._log("failed", job_id=claim.job.id, code=error.code)

    def _hide(self, received: Received, seconds: int) -> None:
        try:
            self._world.queue.extend(received, seconds=seconds)
        except TiroError as error:  # it comes back by itself, only later
            self._log("could not hide a message", error=error)

    def _touch(self) -> None:
        if self._settings.heartbeat_file:
            Path(self._settings.heartbeat_file).touch()


def build(settings: WorkerSettings) -> World:
    """Make the adapters and load the model. The one place where the worker meets AWS and an engine."""
    from container.engines.choice import load_engine
    from container.transcriber import WindowTranscriber
    from tiro.adapters import aws
    from tiro.adapters.dynamodb import DynamoDBJobStore, DynamoDBRunStore
    from tiro.adapters.s3 import S3MediaStore, S3TranscriptStore
    from tiro.adapters.sqs import SQSJobQueue
    from tiro.adapters.system import SystemClock

    engine = load_engine(settings)
    media = S3MediaStore(aws.s3_client(), settings.media_bucket)
    return World(
        jobs=DynamoDBJobStore(aws.dynamodb_client(), settings.table),
        runs=DynamoDBRunStore(aws.dynamodb_client(), settings.table),
        transcripts=S3TranscriptStore(aws.s3_client(), settings.transcript_bucket),
        queue=SQSJobQueue(aws.sqs_client(), settings.queue_url),
        transcriber=WindowTranscriber(
            media=media, engine=engine, batch_size=settings.batch_size, beam_size=settings.beam_size
        ),
        clock=SystemClock(),
    )


def main() -> int:
    """Run until SIGTERM or SIGINT; exit status 0 for a clean end, 1 when the worker could not start."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    started = time.monotonic()
    try:
        settings = WorkerSettings.from_env(os.environ)
        world = build(settings)
    except (SettingsError, WeightsUnavailable, TiroError) as error:
        log.to_stderr("cannot start", error=error)
        return 1
    log.to_stderr("ready", seconds=round(time.monotonic() - started, 3), model=settings.model)
    Worker(world, settings, stopping, log.to_stderr).run()
    log.to_stderr("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
