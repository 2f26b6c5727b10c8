"""No job is lost, none is done twice in its effects, and none takes the worker down."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from container import log
from container.stopping import Reason, Stopping
from tests.factories import make_segment, make_transcript
from tests.fakes import During, FakeTranscriber
from tests.fakes_checkpoints import stretch_of
from tests.house import WORKER_NAMES, House, code
from tiro.errors import (
    DecoderDefect,
    EngineFailed,
    EnginePoisoned,
    LeaseLost,
    MediaTooLong,
    ServiceUnavailable,
)
from tiro.job import Job, JobStatus, Media
from tiro.message import JobMessage
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.settings import WorkerSettings
from tiro.trace import owner_hash
from tiro.transcript import Transcript


def dropped(house: House) -> Job:
    return house.drop("inbox/ada/a.mp3")


def now(house: House, job: Job) -> Job:
    return house.jobs.get(job.id)


def test_sigterm_gives_the_job_back_and_counts_no_attempt() -> None:
    house = House()
    house.transcriber = During(house.stopping.set)
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
    assert f"`tiro retry {job.id}`" in failed.problem.detail
    assert len(house.queue) == 0


def test_a_failure_that_passes_ends_in_a_transcript() -> None:
    house = House(transcriber=FakeTranscriber(EngineFailed(), make_transcript()))
    job = dropped(house)
    house.work()
    house.clock.advance(60)
    house.work()
    assert (now(house, job).status, now(house, job).attempts) == (JobStatus.COMPLETED, 2)


@pytest.mark.parametrize("error", [MediaTooLong(), DecoderDefect("It ended with ImportError in a.py line 1.")])
def test_a_permanent_error_is_tried_once(error: Exception) -> None:
    house = House(transcriber=FakeTranscriber(error))
    job = dropped(house)
    house.work()
    assert (now(house, job).status, len(house.queue)) == (JobStatus.FAILED, 0)


@pytest.mark.parametrize("bad", [{"avg_logprob": float("nan")}, {"start": float("inf")}, {"text": "half \ud83c"}])
def test_a_transcript_that_would_not_read_back_fails_the_job_and_never_completes_it(bad: dict[str, Any]) -> None:
    broken = make_segment().model_copy(update=bad)
    transcript = make_transcript().model_copy(update={"segments": (broken,)})
    house = House(transcriber=FakeTranscriber(transcript))
    job = dropped(house)
    house.work()
    done = now(house, job)
    assert (done.status, done.attempts, len(house.queue)) == (JobStatus.FAILED, 1, 0)
    assert done.problem
    assert done.problem.code == "not_storable"
    assert f"/segments/0/{next(iter(bad))} is" in done.problem.detail
    assert [event.type for event in house.jobs.events][-1] == "transcription.failed"
    assert set(house.transcripts.objects) == {f"{job.drop and job.drop.key}.problem.json"}


@pytest.mark.parametrize(
    "bad", [{"duration": float("nan")}, {"language": "\udc00"}, {"language_probability": float("inf")}]
)
def test_so_does_one_whose_summary_would_not_read_back(bad: dict[str, Any]) -> None:
    house = House(transcriber=FakeTranscriber(make_transcript().model_copy(update=bad)))
    job = dropped(house)
    house.work()
    assert code(now(house, job)) == "not_storable"


def test_a_checkpoint_that_would_not_read_back_fails_the_job_too() -> None:
    house = House()

    class Spoiled:
        def transcribe(
            self,
            media: Media,
            options: Options,
            *,
            max_seconds: float,
            on_progress: OnProgress,
            checkpoint: Checkpoint | None = None,
        ) -> Transcript:
            assert checkpoint
            house.clock.advance(60)
            checkpoint.add(stretch_of(0).model_copy(update={"end": float("nan")}))
            return make_transcript()

    house.transcriber = Spoiled()
    job = dropped(house)
    house.work()
    assert code(now(house, job)) == "not_storable"
    assert house.checkpoints.keys == []


def test_a_defect_of_the_decoder_is_logged_with_its_place() -> None:
    defect = DecoderDefect("It ended with ImportError in a.py line 1.")
    house = House(transcriber=FakeTranscriber(defect))
    dropped(house)
    house.work()
    (line,) = (line for line in house.log if line["event"] == "failed")
    assert (line["error"], line["code"]) == (defect, "decoder_defect")


def test_an_attempt_that_lost_its_lease_leaves_no_trace() -> None:
    house = House()
    job = dropped(house)
    other = House()

    def another_worker_takes_over() -> None:
        house.clock.advance(121)
        house.transcriber = other.transcriber
        house.work()

    house.transcriber = During(another_worker_takes_over)
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
    house.transcriber = During(lambda: [beats.acquire() for _ in range(3)])
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


def test_a_poisoned_engine_ends_the_process_and_another_hears_the_job() -> None:
    house = House(transcriber=FakeTranscriber(EnginePoisoned(), make_transcript()))
    house.worker_settings = dataclasses.replace(house.worker_settings, jobs_at_once=1)
    job, other = dropped(house), house.drop("inbox/ada/b.mp3")
    house.worker().run()
    assert (house.stopping.reason, house.stopping.status) == (Reason.POISON, 70)
    assert (now(house, job).status, now(house, job).attempts) == (JobStatus.QUEUED, 1)
    assert now(house, other).attempts == 0, "which this process never took"
    house.stopping = Stopping()
    house.clock.advance(60)
    house.work()
    assert now(house, job).status is JobStatus.COMPLETED


def test_a_worker_that_is_taken_back_says_so() -> None:
    house = House()
    house.transcriber = During(lambda: house.stopping.ask(Reason.SPOT))
    dropped(house)
    house.work()
    house.stopping.ask(Reason.POISON)
    assert (house.stopping.reason, house.stopping.status) == (Reason.SPOT, 0), "the first reason stays"
    assert counted(house, "ReturnedBySpot") == [1]


def counted(house: House, metric: str) -> list[float]:
    return [line[metric] for line in house.metrics if metric in line]


def test_what_becomes_of_jobs_is_counted() -> None:
    house = House(transcriber=FakeTranscriber(EngineFailed(), make_transcript(duration=10.0)))
    house.telemetry = dataclasses.replace(house.telemetry, usd_per_worker_hour=3.6)
    house.worker()
    dropped(house)
    house.clock.advance(30)
    house.work()
    house.clock.advance(60)
    house.transcriber = During(lambda: house.clock.advance(5))
    house.work()
    assert counted(house, "QueueWait") == [30_000], "of the first attempt alone"
    assert [line["code"] for line in house.metrics if "AttemptsFailed" in line] == ["engine_failed"]
    assert counted(house, "AudioSeconds") == [make_transcript().duration]
    assert counted(house, "Attempts") == [2]
    assert counted(house, "CostUSD") == [0.005]


def test_a_metric_is_in_cloudwatchs_own_format_and_cut_by_little() -> None:
    house = House(transcriber=FakeTranscriber(MediaTooLong()))
    job = dropped(house)
    house.work()
    line = house.metrics[-1]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Tiro"
    assert directive["Dimensions"] == [["code", "stage"]]
    assert [metric["Name"] for metric in directive["Metrics"]] == ["AttemptsFailed"]
    assert (line["stage"], line["code"], line["job_id"]) == ("test", "media_too_long", job.id)
    assert line["_aws"]["Timestamp"] == round(house.clock.now().timestamp() * 1000)


def test_a_line_of_the_log_says_which_job_and_not_whose_or_what() -> None:
    house = House(transcriber=FakeTranscriber(RuntimeError("Call me Ishmael, of secret.mp3")))
    house.drop("inbox/ada/secret.mp3")
    house.work()
    told = [line for line in house.log if line["event"] in ("claimed", "attempt failed")]
    assert len(told) == 2
    for line in told:
        assert line["owner"] == owner_hash("ada")
        assert {"job_id", "attempt", "attempts", "trace_id"} <= set(line)
        assert "secret" not in str({**line, "error": None})


def test_what_a_stranger_s_error_says_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    for error in (RuntimeError("Call me Ishmael"), EngineFailed("The engine failed.")):
        log.to_stderr("attempt failed", error=error)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["error"], "Ishmael" in str(first)) == ("RuntimeError", False)
    assert (second["code"], second["detail"]) == ("engine_failed", "The engine failed.")
