"""No job is lost, none is done twice in its effects, and none takes the worker down."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.house import WORKER_NAMES, House
from tiro.errors import EngineFailed, LeaseLost, MediaTooLong, ServiceUnavailable
from tiro.job import Job, JobStatus, Media
from tiro.message import JobMessage
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.settings import WorkerSettings
from tiro.transcript import Transcript


class Interfering:
    """A transcriber during whose work something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

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
        return make_transcript()


def dropped(house: House) -> Job:
    return house.drop("inbox/ada/a.mp3")


def now(house: House, job: Job) -> Job:
    return house.jobs.get(job.id)


def test_sigterm_gives_the_job_back_and_counts_no_attempt() -> None:
    house = House()
    house.transcriber = Interfering(house.stopping.set)
    job = dropped(house)
    house.work()
    assert (now(house, job).status, now(house, job).attempts) == (JobStatus.QUEUED, 0)
    house.stopping.clear()
    assert house.work(), "the message is visible at once"
    house.stopping.clear()


def test_a_message_received_while_stopping_goes_back_untouched() -> None:
    house = House()
    job = dropped(house)
    house.stopping.set()
    house.work()
    assert now(house, job).status is JobStatus.QUEUED
    assert house.queue.receive(wait_seconds=0), "visible at once"


@pytest.mark.parametrize("error", [EngineFailed(), ServiceUnavailable(), RuntimeError("a bug of ours")])
def test_a_passing_failure_is_tried_three_times(error: Exception) -> None:
    house = House(transcriber=FakeTranscriber(error))
    job = dropped(house)
    for attempt in (1, 2):
        house.work()
        assert (now(house, job).status, now(house, job).attempts) == (JobStatus.QUEUED, attempt)
        assert house.work() is None, "not at once"
        house.clock.advance(60)
    house.work()
    failed = now(house, job)
    assert failed.status is JobStatus.FAILED
    assert failed.problem
    assert failed.problem.code == "attempts_exhausted"
    assert "a bug of ours" not in failed.problem.detail
    assert len(house.queue) == 0


def test_a_failure_that_passes_ends_in_a_transcript() -> None:
    house = House(transcriber=FakeTranscriber(EngineFailed(), make_transcript()))
    job = dropped(house)
    house.work()
    house.clock.advance(60)
    house.work()
    assert (now(house, job).status, now(house, job).attempts) == (JobStatus.COMPLETED, 2)


def test_a_permanent_error_is_tried_once() -> None:
    house = House(transcriber=FakeTranscriber(MediaTooLong()))
    job = dropped(house)
    house.work()
    assert (now(house, job).status, len(house.queue)) == (JobStatus.FAILED, 0)


def test_an_attempt_that_lost_its_lease_leaves_no_trace() -> None:
    house = House()
    job = dropped(house)
    other = House()

    def another_worker_takes_over() -> None:
        house.clock.advance(121)
        house.transcriber = other.transcriber
        house.work()

    house.transcriber = Interfering(another_worker_takes_over)
    house.work()
    done = now(house, job)
    assert (done.status, done.attempts) == (JobStatus.COMPLETED, 2)
    assert done.transcript
    assert done.transcript.key in house.transcripts.objects
    assert house.log[-1]["event"] == "left alone"


def test_the_heartbeat_renews_lease_and_message_and_carries_progress() -> None:
    house = House()
    job = dropped(house)
    house.worker_settings = dataclasses.replace(house.worker_settings, heartbeat_seconds=0.001)
    renewed = threading.Event()
    seen: list[float] = []

    class Long:
        def transcribe(
            self,
            media: Media,
            options: Options,
            *,
            max_seconds: float,
            on_progress: OnProgress,
            checkpoint: Checkpoint | None = None,
        ) -> Transcript:
            on_progress(5.0, 10.0)
            house.clock.advance(100)
            while not seen or seen[-1] != 5.0:
                run = house.runs.get(job.id)
                assert run
                if run.lease_expires_at.timestamp() > house.clock.now().timestamp() + 100:
                    seen.append(run.done)
            house.clock.advance(100)
            renewed.set()
            return make_transcript()

    house.transcriber = Long()
    house.work()
    assert renewed.is_set()
    assert now(house, job).status is JobStatus.COMPLETED
    assert now(house, job).attempts == 1


def test_a_lost_lease_stops_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(worker_settings=WorkerSettings(**WORKER_NAMES, heartbeat_seconds=0.001))
    dropped(house)

    def lost(*_: object) -> None:
        raise LeaseLost

    monkeypatch.setattr(house.runs, "renew", lost)

    class Endless:
        def transcribe(
            self,
            media: Media,
            options: Options,
            *,
            max_seconds: float,
            on_progress: OnProgress,
            checkpoint: Checkpoint | None = None,
        ) -> Transcript:
            while True:
                on_progress(1.0, None)

    house.transcriber = Endless()
    house.work()
    assert house.log[-1]["event"] == "left alone"


def test_a_failing_heartbeat_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(worker_settings=WorkerSettings(**WORKER_NAMES, heartbeat_seconds=0.001))
    job = dropped(house)
    beats = threading.Semaphore(0)

    def fails(*_: object) -> None:
        beats.release()
        raise ServiceUnavailable

    monkeypatch.setattr(house.runs, "renew", fails)
    house.transcriber = Interfering(lambda: [beats.acquire() for _ in range(3)])
    house.work()
    assert now(house, job).status is JobStatus.COMPLETED


def test_a_message_nobody_wrote_is_left_to_the_dead_letter_queue() -> None:
    house = House()
    house.queue.send_raw("<xml/>")
    house.work()
    assert len(house.queue) == 1
    assert house.log[-1]["event"] == "malformed message"


def test_a_record_that_cannot_be_read_takes_nobody_down(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    dropped(house)

    def unreadable(job_id: str) -> Job:
        raise ValueError(job_id)

    monkeypatch.setattr(house.jobs, "get", unreadable)
    house.work()
    assert house.log[-1]["event"] == "unexpected"
    assert len(house.queue) == 1


def test_a_worker_goes_home_when_nothing_comes(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    house = House(worker_settings=WorkerSettings(**WORKER_NAMES, idle_exit_seconds=0.01, heartbeat_file=str(alive)))
    job = dropped(house)
    house.worker().run()
    assert now(house, job).status is JobStatus.COMPLETED
    assert house.log[-1]["event"] == "idle"
    assert alive.exists()


def test_a_queue_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(worker_settings=WorkerSettings(**WORKER_NAMES, idle_exit_seconds=0.01))
    job = dropped(house)
    monkeypatch.setattr("container.worker.RECEIVE_SECONDS", 0)
    receive, fails = house.queue.receive, [ServiceUnavailable()]

    def sometimes(*, wait_seconds: int) -> object:
        if fails:
            raise fails.pop()
        return receive(wait_seconds=wait_seconds)

    monkeypatch.setattr(house.queue, "receive", sometimes)
    house.worker().run()
    assert now(house, job).status is JobStatus.COMPLETED


def test_a_duplicate_message_changes_nothing() -> None:
    house = House()
    job = dropped(house)
    house.queue.send(JobMessage(job_id=job.id, generation=1), owner="ada")
    house.work()
    done = now(house, job)
    house.work()
    assert now(house, job) == done
    assert len(house.queue) == 0
