"""A job that brings its worker down takes no other to its end with it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest

from container.stopping import Reason, Stopping
from container.watchdog import STATUS, Watchdog
from tests.factories import make_transcript
from tests.fakes import FakeClock, FakeTranscriber
from tests.house import WORKER_NAMES, House, code
from tiro.errors import EngineFailed, EnginePoisoned
from tiro.job import Job, JobStatus, Media
from tiro.message import JobMessage
from tiro.ports import OnProgress
from tiro.request import Options
from tiro.settings import WorkerSettings
from tiro.transcript import Transcript


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("container.worker.RECEIVE_SECONDS", 0.01)
    return House(worker_settings=WorkerSettings(**WORKER_NAMES, idle_exit_seconds=0.05))


def drop(house: House, *names: str) -> dict[str, Job]:
    return {name: house.drop(f"inbox/ada/{name}") for name in names}


def now(house: House, job: Job) -> Job:
    return house.jobs.get(job.id)


def use_up_all_but_one(house: House, job: Job) -> None:
    kept, house.transcriber = house.transcriber, FakeTranscriber(EngineFailed())
    for _ in range(house.worker_settings.max_attempts - 1):
        house.work()
        house.clock.advance(60)
    house.transcriber = kept
    assert (now(house, job).status, now(house, job).attempts) == (JobStatus.QUEUED, 2)


class Poisonous:
    """Hears all that are in hand in one batch; a recording called `x` puts the engine out of order."""

    def __init__(self) -> None:
        self.poisoned, self.company = False, Counter[str]()
        self._changed, self._present = threading.Condition(), list[str]()

    def transcribe(self, media: Media, *_: Any, **__: Any) -> Transcript:
        name = media.key.rpartition("/")[2]
        with self._changed:
            self._present.append(name)
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._present) == 4 or self.poisoned, 0.2)  # who may come, comes
            self.company[name] = len(self._present)
            self.poisoned |= name == "x"
            self._changed.notify_all()
            self._changed.wait_for(lambda: "x" not in self._present or self.poisoned)
            if not self.poisoned:
                self._present.remove(name)
                return make_transcript()
        raise EnginePoisoned

    def renew(self) -> None:
        """Be another process."""
        self.poisoned = False
        self._present.clear()


def test_who_is_heard_with_a_poisonous_recording_comes_to_its_end_without_it(house: House) -> None:
    house.transcriber = poisonous = Poisonous()
    jobs = drop(house, "a", "x", "b", "c")
    for _ in range(4):
        poisonous.renew()
        house.stopping = Stopping()
        house.worker().run()
        house.clock.advance(120)
    assert code(now(house, jobs.pop("x"))) == "attempts_exhausted"
    assert {now(house, job).status for job in jobs.values()} == {JobStatus.COMPLETED}
    assert set(poisonous.company.values()) == {1}, "the last attempt is made alone"


def test_a_last_attempt_waits_for_the_others_and_is_given_back_when_the_worker_stops(house: House) -> None:
    job = drop(house, "last")["last"]
    use_up_all_but_one(house, job)
    house.worker_settings = WorkerSettings(**WORKER_NAMES)
    house.queue.lose()  # so that it comes after another
    other = drop(house, "other")["other"]
    house.queue.send(JobMessage.of(now(house, job)), owner="ada")

    class Stops:
        def transcribe(self, media: Media, options: Options, *, on_progress: OnProgress, **_: Any) -> Transcript:
            if media.key.endswith("other"):
                give_up_at = time.monotonic() + 5
                while time.monotonic() < give_up_at and not any(line["event"] == "declined" for line in house.log):
                    time.sleep(0.01)
                house.stopping.ask(Reason.SPOT)
            on_progress(1.0, 2.0)
            return make_transcript()

    house.transcriber = Stops()
    house.worker().run()
    assert [now(house, each).attempts for each in (job, other)] == [2, 0]
    assert [bool(house.queue.receive(wait_seconds=0)) for _ in range(2)] == [True, True], "visible at once"


def test_only_what_stands_still_is_counted_when_the_process_ends(house: House) -> None:
    turned, ended = [0.0], list[int]()
    house.worker_settings = WorkerSettings(**WORKER_NAMES, jobs_at_once=2)
    house.watchdog = Watchdog(600, log=house.note, end=ended.append, clock=lambda: turned[0])
    jobs = drop(house, "stuck", "well")
    both, over = threading.Barrier(2), threading.Event()

    class Hangs:
        def transcribe(self, media: Media, options: Options, *, on_progress: OnProgress, **_: Any) -> Transcript:
            both.wait(10)
            if media.key.endswith("well"):
                turned[0] = 600.0
                on_progress(1.0, 2.0)
                house.watchdog.look()
                house.stopping.ask(Reason.POISON)  # the process is gone
                over.set()
            over.wait(10)
            return make_transcript()

    house.transcriber = Hangs()
    house.worker().run()
    assert ended == [STATUS]
    assert {name: now(house, job).attempts for name, job in jobs.items()} == {"stuck": 1, "well": 0}
    assert {now(house, job).status for job in jobs.values()} == {JobStatus.QUEUED}
    assert [line["StoodStill"] for line in house.metrics if "StoodStill" in line] == [1]
    assert house.queue.receive(wait_seconds=0), "who is well goes on elsewhere at once"


def test_what_failed_together_does_not_come_back_together(house: House) -> None:
    class Rolls(FakeClock):
        def entropy(self) -> bytes:
            drawn = super().entropy()
            return drawn[:-1] + bytes([drawn[9] * 37 % 256])

    house = House(clock=Rolls(), transcriber=FakeTranscriber(EngineFailed()))
    drop(house, "a", "b")
    house.work()
    house.work()
    came = []
    for second in range(1, 22):
        house.clock.advance(1)
        while house.queue.receive(wait_seconds=0):
            came.append(second)
    assert len(set(came)) == 2
