"""The GPU worker: receive, claim, transcribe, complete, delete. `main.py` begins it."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from container.company import Company
from container.heartbeat import Heartbeat
from container.holding import Holding
from container.log import Log, about
from container.patience import patiently
from container.stopping import Reason, Stopping
from container.telemetry import Telemetry
from container.watchdog import Watchdog
from tiro import service
from tiro.elapsed import TOLERATED
from tiro.errors import (
    Conflict,
    DecoderDefect,
    EnginePoisoned,
    Interrupted,
    MalformedMessage,
    PermanentError,
    ServiceUnavailable,
    TiroError,
    TransientError,
)
from tiro.job import Job, Run
from tiro.message import JobMessage
from tiro.ports import CheckpointStore, Clock, JobQueue, JobStore, Received, RunStore, Transcriber, TranscriptStore
from tiro.service import Claim, Crowded, Declined, LeaseTerms
from tiro.settings import WorkerSettings

RECEIVE_SECONDS = 2
"""Of long polling. SQS allows 20; shorter lets SIGTERM be heard sooner, for half a dollar a month."""


@dataclass(frozen=True)
class World:
    """What the worker stands on."""

    jobs: JobStore
    runs: RunStore
    transcripts: TranscriptStore
    checkpoints: CheckpointStore
    queue: JobQueue
    transcriber: Transcriber
    clock: Clock
    watchdog: Watchdog
    telemetry: Telemetry


class Worker:
    """Takes messages until it is told to stop, some at once, each in a thread of its own. No job may take it down."""

    def __init__(self, world: World, settings: WorkerSettings, stopping: Stopping, log: Log) -> None:
        self._world, self._settings, self._stopping, self._log = world, settings, stopping, log
        self._ready_at = world.clock.now()
        self._company = Company()

    def run(self) -> None:
        """Work until `stopping` is set, or nothing has come for as long as the settings say."""
        idle_since = time.monotonic()
        in_hand: set[Future[None]] = set()
        with ThreadPoolExecutor(self._settings.jobs_at_once, thread_name_prefix="job") as hands:
            while not self._stopping.is_set():
                self._world.watchdog.moved()
                in_hand = {job for job in in_hand if not job.done()}
                if len(in_hand) == self._settings.jobs_at_once or self._company.closed:
                    idle_since = time.monotonic()
                    wait(in_hand, RECEIVE_SECONDS, return_when=FIRST_COMPLETED)
                    continue
                received = self._receive()
                if received is not None:
                    in_hand.add(hands.submit(self.handle, received))
                if in_hand:
                    idle_since = time.monotonic()
                elif 0 < self._settings.idle_exit_seconds < time.monotonic() - idle_since:
                    self._log("idle", seconds=self._settings.idle_exit_seconds)
                    return

    def _receive(self) -> Received | None:
        try:
            return self._world.queue.receive(wait_seconds=RECEIVE_SECONDS)
        except ServiceUnavailable as error:
            self._log("receive failed", error=error)
            self._stopping.wait(RECEIVE_SECONDS)
            return None

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
            with self._company.joined() as joined:
                if not joined:  # it came while somebody asked to be alone
                    return self._hide(received, 0)
                claimed = self._claim(message, received, in_company=True)
                if isinstance(claimed, Claim):
                    self._attempt(claimed, self._hold(received, message, claimed.job.owner))
            if isinstance(claimed, Crowded):
                self._handle_alone(received, message, claimed.owner)
        except (ServiceUnavailable, Conflict) as error:
            # AWS did not answer, or somebody else holds the job now. The message comes back by itself.
            self._log("left alone", job_id=message.job_id, error=error)
        except Exception as error:  # noqa: BLE001  (such as a record that cannot be read: no job takes the worker down)
            self._log("unexpected", job_id=message.job_id, error=error)
        return None

    def _handle_alone(self, received: Received, message: JobMessage, owner: str) -> None:
        """Wait until nothing else is in hand; until it is done nothing else is taken."""
        holding = self._hold(received, message, owner)

        def meanwhile() -> None:
            if self._stopping.is_set():
                raise Interrupted
            holding.keep(self._settings.visibility_seconds)

        try:
            with self._company.alone(meanwhile, every=RECEIVE_SECONDS):
                claimed = self._claim(message, received, in_company=False)
                if isinstance(claimed, Claim):
                    self._attempt(claimed, holding)
        except Interrupted:  # and it had not begun
            holding.hide(0)

    def _hold(self, received: Received, message: JobMessage, owner: str) -> Holding:
        world = self._world
        return Holding(received, message, owner=owner, queue=world.queue, clock=world.clock, log=self._log)

    def _claim(self, message: JobMessage, received: Received, *, in_company: bool) -> Claim | Declined:
        world, settings = self._world, self._settings
        claimed = service.claim(
            message,
            receives=received.receives,
            jobs=world.jobs,
            runs=world.runs,
            transcripts=world.transcripts,
            clock=world.clock,
            terms=LeaseTerms(settings.visibility_seconds, settings.max_attempts, self._ready_at),
            in_company=in_company,
        )
        if isinstance(claimed, Declined):
            self._log(
                "declined",
                job_id=message.job_id,
                trace_id=message.trace,
                why=claimed.why,
                hide_seconds=claimed.hide_seconds,
            )
            if claimed.hide_seconds is None:
                world.queue.delete(received)
            else:
                self._hide(received, claimed.hide_seconds)
        return claimed

    def _attempt(self, claim: Claim, holding: Holding) -> None:
        log, telemetry = about(claim.job, claim.run, self._log), self._world.telemetry
        log("claimed")
        if claim.job.clock_skew > TOLERATED:
            log("clocks differ", seconds=claim.job.clock_skew.total_seconds())
        telemetry.claimed(claim.job)
        notebook = service.Notebook(claim.job, claim.run, store=self._world.checkpoints, clock=self._world.clock)
        try:
            job = self._transcribe(claim, holding, notebook)
        except Interrupted:
            self._give_back(claim, holding, notebook, self._stopping.reason)
        except Conflict:
            service.clear_if_over(claim.job, jobs=self._world.jobs, store=self._world.checkpoints)
            raise
        except PermanentError as error:
            telemetry.attempt_failed(claim.job, error)
            self._fail(claim, holding, error)
        except EnginePoisoned as error:  # whatever this process hears next would fail too
            self._stopping.ask(Reason.POISON)
            self._retry(claim, holding, notebook, error)
        except Exception as error:  # noqa: BLE001  (a bug of ours too: the job is told, and the worker lives on)
            self._retry(claim, holding, notebook, error)
        else:
            holding.delete()
            if notebook.trail:  # to look for what is not there costs as much as it cost to send the recording
                service.clear(job, self._world.checkpoints)
            telemetry.completed(job)
            log(
                "completed",
                audio_seconds=job.transcript and job.transcript.duration,
                milliseconds=job.timings.processing_ms,
            )

    def _transcribe(self, claim: Claim, holding: Holding, notebook: service.Notebook) -> Job:
        world, settings = self._world, self._settings

        def renew(run: Run) -> None:
            now = world.clock.now()
            expires = now + timedelta(seconds=settings.visibility_seconds)
            world.runs.renew(
                claim.job.id,
                run.model_copy(update={"lease_expires_at": expires, "noted_at": now if run.done else None}),
            )
            holding.keep(settings.visibility_seconds)

        def let_go(still: bool) -> None:
            if not still:  # it goes down with another
                return self._give_back(claim, holding, notebook, Reason.POISON)
            world.telemetry.stood_still(claim.job)
            stuck = EnginePoisoned(f"Nothing has moved for {settings.stall_seconds:.0f} s.")
            return self._retry(claim, holding, notebook, stuck)

        heartbeat = Heartbeat(
            claim.run, renew, every=settings.heartbeat_seconds, stopping=self._stopping, log=self._log
        )

        notebook.note = heartbeat.note

        def progress(done: float, total: float | None) -> None:
            watch.moved()
            heartbeat.progress(done, total)

        with heartbeat, world.watchdog.watch(claim.job.id, let_go) as watch:
            if notebook.stretches:
                about(claim.job, claim.run, self._log)("resumed", from_seconds=notebook.stretches[-1].end)
            try:
                return service.transcribe(
                    claim,
                    transcriber=world.transcriber,
                    jobs=world.jobs,
                    runs=world.runs,
                    transcripts=world.transcripts,
                    clock=world.clock,
                    limits=settings,
                    on_progress=progress,
                    checkpoint=notebook,
                )
            except TransientError:
                self._write(claim, notebook)  # here, where the lease is kept meanwhile
                raise

    def _give_back(self, claim: Claim, holding: Holding, notebook: service.Notebook, why: Reason) -> None:
        """It is not the job's doing that the attempt ends, which is not counted."""
        self._return(claim, notebook, counted=False)
        holding.hide(0)
        about(claim.job, claim.run, self._log)("returned", why=why)
        self._world.telemetry.returned(claim.job, why)

    def _return(self, claim: Claim, notebook: service.Notebook, *, counted: bool) -> None:
        """Give a job back with what is heard of it, as far as that can be written."""
        self._write(claim, notebook)
        patiently(lambda: service.give_back(claim, counted=counted, runs=self._world.runs, checkpoint=notebook.trail))

    def _write(self, claim: Claim, notebook: service.Notebook) -> None:
        try:
            patiently(notebook.write)
        except TiroError as error:
            self._log("could not write a checkpoint", job_id=claim.job.id, error=error)

    def _retry(self, claim: Claim, holding: Holding, notebook: service.Notebook, error: Exception) -> None:
        attempts = claim.job.attempts
        about(claim.job, claim.run, self._log)("attempt failed", error=error)
        self._world.telemetry.attempt_failed(claim.job, error)
        if attempts >= self._settings.max_attempts:
            why = error.title if isinstance(error, TiroError) else "something went wrong inside Tiro"
            spent = service.exhausted(claim.job, f"{attempts} attempts failed, the last because: {why}.")
            self._fail(claim, holding, spent)
        else:
            self._return(claim, notebook, counted=True)
            spread = self._world.clock.entropy()[-1] / 255  # or what fell together would be taken together again
            holding.hide(round(5 * 2**attempts * (1 + spread)))

    def _fail(self, claim: Claim, holding: Holding, error: TiroError) -> None:
        world = self._world
        service.fail(
            claim.job,
            error,
            jobs=world.jobs,
            transcripts=world.transcripts,
            clock=world.clock,
            held=(world.runs, claim.run.attempt),
        )
        holding.delete()
        service.clear(claim.job, world.checkpoints)
        ours = error if isinstance(error, DecoderDefect) else None  # its place in the code is what repairs it
        about(claim.job, claim.run, self._log)("failed", error=ours, code=error.code)

    def _hide(self, received: Received, seconds: int) -> None:
        try:
            self._world.queue.extend(received, seconds=seconds)
        except TiroError as error:  # it comes back by itself, only later
            self._log("could not hide a message", error=error)
