"""What one attempt heard for good, the next need not hear again; and several jobs are in hand at once."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import pytest

from container import patience
from tests.factories import make_transcript
from tests.fakes import FakeTranscriber
from tests.fakes_checkpoints import Counting
from tests.house import WORKER_NAMES, House
from tiro import service
from tiro.errors import EngineFailed, LeaseLost, MediaTooLong, ServiceUnavailable
from tiro.job import Job, JobStatus, Media
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.settings import WorkerSettings
from tiro.transcript import Transcript


class Killed(BaseException):
    """The process ends here: nobody catches it."""


def counting(house: House, *, total: int = 6, seconds: float = 10) -> Counting:
    """Let the house hear so many numbers, each of which takes so many seconds."""
    house.transcriber = counted = Counting(total, lambda number: house.clock.advance(seconds))
    return counted


def at(number: int, what: Callable[[], object], transcriber: Counting) -> None:
    """Let something happen once, before a number is heard."""
    before, left = transcriber.happens, [what]

    def happens(next_one: int) -> None:
        before(next_one)
        if next_one == number and left:
            left.pop()()

    transcriber.happens = happens


def raises(error: BaseException) -> Callable[[], None]:
    def happens() -> None:
        raise error

    return happens


def stored(house: House, job: Job) -> Job:
    return house.jobs.get(job.id)


def said(house: House, job: Job) -> str:
    ref = stored(house, job).transcript
    assert ref
    return house.transcripts.get(ref.key).text


WHOLE = "0 1 2 3 4 5"


def kill(house: House, number: int, transcriber: Counting) -> None:
    """Let a worker die while it hears a number."""
    at(number, raises(Killed()), transcriber)
    with pytest.raises(Killed):
        house.work()
    house.clock.advance(200)  # until its lease has run out


def test_after_a_crash_the_next_attempt_goes_on_at_the_last_part() -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")
    kill(house, 4, transcriber)
    assert len(house.checkpoints.keys) == 4
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5], "nothing twice"
    assert {"event": "resumed", "from_seconds": 40.0}.items() <= next(
        line for line in house.log if line["event"] == "resumed"
    ).items()


def test_what_no_part_holds_is_heard_again() -> None:
    house = House()
    transcriber, job = counting(house, seconds=2), house.drop("inbox/ada/a.mp3")
    kill(house, 5, transcriber)
    assert len(house.checkpoints.keys) == 1, "at eight seconds, since the next comes at ten"
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 4, 5]


def test_a_part_does_not_wait_for_a_stretch_that_comes_too_late() -> None:
    house = House()
    transcriber, job = counting(house, seconds=6), house.drop("inbox/ada/a.mp3")
    kill(house, 3, transcriber)
    assert len(house.checkpoints.keys) == 3
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5], "nothing twice"


def test_a_long_wait_makes_one_part_and_not_many() -> None:
    house = House()
    transcriber = counting(house, total=12, seconds=0)
    house.drop("inbox/ada/a.mp3")
    at(1, lambda: house.clock.advance(60), transcriber)  # such as for others' batches
    for number in range(2, 12):
        at(number, lambda: house.clock.advance(1), transcriber)
    kill(house, 11, transcriber)
    assert len(house.checkpoints.keys) == 2


@pytest.mark.parametrize("number", range(1, 6))
def test_sigterm_writes_what_is_heard_and_gives_the_job_back(number: int) -> None:
    house = House()
    transcriber, job = counting(house, seconds=0), house.drop("inbox/ada/a.mp3")
    at(number, house.stopping.set, transcriber)
    house.work()
    back = stored(house, job)
    assert (back.status, back.attempts, len(house.checkpoints.keys)) == (JobStatus.QUEUED, 0, 1)
    house.stopping.clear()
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5]


def test_attempts_go_on_from_each_other() -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")
    kill(house, 2, transcriber)
    at(3, raises(EngineFailed()), transcriber)
    house.work()
    house.clock.advance(60)
    at(4, house.stopping.set, transcriber)
    house.work()
    house.stopping.clear()
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5]
    assert stored(house, job).attempts == 3


def test_parts_of_who_lost_the_lease_do_not_count() -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")

    def another_worker_takes_over() -> None:
        house.clock.advance(200)
        house.work()

    at(3, another_worker_takes_over, transcriber)
    house.work()
    assert said(house, job) == WHOLE
    assert house.checkpoints.keys == []
    assert house.log[-1]["event"] == "left alone"


@pytest.mark.parametrize("error", [None, MediaTooLong()])
def test_at_the_end_nothing_is_left(error: Exception | None) -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")
    if error:
        at(4, raises(error), transcriber)
    house.work()
    assert stored(house, job).status is (JobStatus.FAILED if error else JobStatus.COMPLETED)
    assert (house.checkpoints.keys, stored(house, job).checkpoint) == ([], ())


def test_who_is_cancelled_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")

    def cancel() -> None:
        house.cancel(stored(house, job))
        raise LeaseLost

    at(3, cancel, transcriber)
    house.work()
    assert (stored(house, job).status, house.checkpoints.keys) == (JobStatus.CANCELLED, [])


def test_a_part_that_is_lost_is_heard_again() -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")
    kill(house, 4, transcriber)
    del house.transcripts.objects[house.checkpoints.keys[1]]
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]


def test_a_bucket_that_takes_nothing_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")
    put = house.checkpoints.put
    monkeypatch.setattr(house.checkpoints, "put", lambda *_: raises(ServiceUnavailable())())
    at(4, lambda: monkeypatch.setattr(house.checkpoints, "put", put), transcriber)
    kill(house, 5, transcriber)
    assert len(house.checkpoints.keys) == 1, "what was not taken goes with the next part"
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5]


class Outage:
    """So many calls fail, and then all is as it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *calls: tuple[object, str], failures: int) -> None:
        self.left = failures
        for owner, name in calls:
            monkeypatch.setattr(owner, name, self._failing(getattr(owner, name)))

    def _failing(self, do: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            if self.left:
                self.left -= 1
                raise ServiceUnavailable
            return do(*given, **named)

        return call


@pytest.mark.parametrize("failures", [1, 2, 3, 6])
def test_a_bucket_that_is_away_at_the_end_costs_an_attempt_and_nothing_heard(
    monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0,) * 5)
    house = House()
    transcriber, job = counting(house, seconds=1), house.drop("inbox/ada/a.mp3")
    Outage(monkeypatch, (house.transcripts, "put"), (house.checkpoints, "put"), failures=failures)
    house.work()
    assert (stored(house, job).status, stored(house, job).attempts) == (JobStatus.QUEUED, 1)
    house.clock.advance(60)
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5]


def test_a_table_that_is_away_at_the_end_costs_nothing_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0,) * 5)
    house = House()
    transcriber, job = counting(house, seconds=1), house.drop("inbox/ada/a.mp3")
    Outage(monkeypatch, (house.runs, "finish"), failures=4)
    house.work()
    house.clock.advance(60)
    house.work()
    assert said(house, job) == WHOLE
    assert transcriber.heard == [0, 1, 2, 3, 4, 5]


def test_what_is_heard_so_far_can_be_read() -> None:
    house = House()
    transcriber, job = counting(house), house.drop("inbox/ada/a.mp3")
    seen = []

    def look() -> None:
        seen.append(service.partial(stored(house, job), house.runs.get(job.id), house.checkpoints))

    kill(house, 3, transcriber)
    look()
    house.work()
    look()
    assert seen[0]
    assert (seen[0].text, seen[0].is_whole, seen[0].end_seconds) == ("0 1 2", True, 30.0)
    assert seen[1] is None, "then there is a transcript"


def test_of_a_long_text_the_end_is_shown() -> None:
    house = House()
    transcriber, job = counting(house, total=30), house.drop("inbox/ada/a.mp3")
    kill(house, 20, transcriber)
    seen = service.partial(stored(house, job), house.runs.get(job.id), house.checkpoints)
    assert seen
    assert (seen.text, seen.is_whole) == ("14 15 16 17 18 19", False)


# ---------------------------------------------------------------- several at once


class Together:
    """Hears nothing before so many recordings are in hand."""

    def __init__(self, parties: int) -> None:
        self._all = threading.Barrier(parties)
        self.errors: dict[str, Exception] = {}  # by key

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        self._all.wait(10)
        if error := self.errors.get(media.key):
            raise error
        return make_transcript()


def at_once(house: House, jobs: int) -> None:
    house.worker_settings = dataclasses.replace(house.worker_settings, jobs_at_once=jobs, idle_exit_seconds=0.05)
    house.worker().run()


def test_so_many_jobs_are_in_hand_and_none_hurts_another() -> None:
    house = House()
    house.transcriber = together = Together(4)
    jobs = [house.drop(f"inbox/ada/{number}.mp3") for number in range(4)]
    together.errors = {"inbox/ada/1.mp3": MediaTooLong(), "inbox/ada/2.mp3": RuntimeError("a bug of ours")}
    at_once(house, 4)
    ends = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.QUEUED, JobStatus.COMPLETED]
    assert [stored(house, job).status for job in jobs] == ends


def test_no_more_than_that_are_taken() -> None:
    house = House(worker_settings=WorkerSettings(**WORKER_NAMES))
    most, now, lock = 0, 0, threading.Lock()

    class Watching(FakeTranscriber):
        def transcribe(self, *args: object, **named: object) -> Transcript:
            nonlocal most, now
            with lock:
                now += 1
                most = max(most, now)
            threading.Event().wait(0.02)
            with lock:
                now -= 1
            return make_transcript()

    house.transcriber = Watching(make_transcript())
    jobs = [house.drop(f"inbox/ada/{number}.mp3") for number in range(6)]
    at_once(house, 2)
    assert all(stored(house, job).status is JobStatus.COMPLETED for job in jobs)
    assert most == 2
