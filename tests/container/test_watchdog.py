"""Work that stands still is given back and ends its process; work that moves is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from container import health
from container.watchdog import STATUS, Watchdog
from tests.house import WORKER_NAMES
from tiro.settings import WorkerSettings


class Dog:
    """A watchdog on a clock that can be turned. It looks when it is told to."""

    def __init__(self, seconds: float = 600, health_file: str = "") -> None:
        self.now, self.ended, self.log = 0.0, list[int](), list[dict[str, Any]]()
        self.watchdog = Watchdog(
            seconds, log=self._note, health_file=health_file, end=self.ended.append, clock=lambda: self.now
        )

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.watchdog.look()

    def _note(self, event: str, *, error: BaseException | None = None, **fields: object) -> None:
        self.log.append({"event": event, **fields})


def test_work_that_moves_is_left_alone() -> None:
    dog = Dog()
    with dog.watchdog.watch("job", lambda _: None) as watch:
        for _ in range(10):
            dog.pass_time(599)
            watch.moved()
    for _ in range(10):
        dog.pass_time(599)
        dog.watchdog.moved()
    assert dog.ended == [], "and a worker with nothing in hand may wait as long as it likes"


def test_a_worker_that_does_not_even_ask_for_work_ends() -> None:
    dog = Dog()
    dog.pass_time(600)
    assert dog.ended == [STATUS]


def test_work_that_stands_still_is_given_back_and_is_the_end() -> None:
    dog, given_back = Dog(), dict[str, bool]()
    with (
        dog.watchdog.watch("stuck", lambda still: given_back.update(stuck=still)),
        dog.watchdog.watch("just after it", lambda still: given_back.update(after=still)) as after,
        dog.watchdog.watch("well", lambda still: given_back.update(well=still)) as well,
    ):
        dog.pass_time(20)
        after.moved()
        dog.pass_time(579)
        well.moved()
        dog.pass_time(1)
        assert dog.ended == [STATUS]
        assert given_back == {"stuck": True, "after": True, "well": False}, "all are lost with the process"
        assert [(line["event"], line["work"]) for line in dog.log] == [("stands still", "stuck")]


def test_giving_back_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.watchdog.LAST_WORDS_SECONDS", 0.05)
    dog, never = Dog(), threading.Event()
    with dog.watchdog.watch("stuck", lambda _: never.wait()):
        dog.pass_time(600)
    assert dog.ended == [STATUS]
    never.set()


# ---------------------------------------------------------------- health


def settings(file: Path) -> WorkerSettings:
    return WorkerSettings(**WORKER_NAMES, heartbeat_file=str(file), stall_seconds=600)


def test_health_is_as_old_as_the_work(tmp_path: Path) -> None:
    dog = Dog(health_file=str(tmp_path / "health"))
    config = settings(tmp_path / "health")
    assert health.trouble(config, now=time.time()) == "the worker is not ready yet"
    dog.watchdog.moved()
    assert health.trouble(config, now=time.time()) is None
    with dog.watchdog.watch("job", lambda _: None), dog.watchdog.watch("other", lambda _: None) as other:
        dog.pass_time(400)
        other.moved()
        dog.watchdog.look()
        assert health.trouble(config, now=time.time()) is None
        assert "nothing has moved for 6" in (health.trouble(config, now=time.time() + 210) or "")


def test_a_worker_that_asks_for_more_makes_what_stands_still_no_younger(tmp_path: Path) -> None:
    dog, config = Dog(health_file=str(tmp_path / "health")), settings(tmp_path / "health")
    with dog.watchdog.watch("job", lambda _: None):
        dog.pass_time(400)
        dog.watchdog.moved()
        assert "nothing has moved for 6" in (health.trouble(config, now=time.time() + 210) or "")
    dog.watchdog.moved()
    assert health.trouble(config, now=time.time() + 210) is None


def test_the_health_of_a_process_that_is_gone_goes_stale(tmp_path: Path) -> None:
    Dog(health_file=str(tmp_path / "health")).watchdog.moved()
    assert health.trouble(settings(tmp_path / "health"), now=time.time() + 601)


@pytest.mark.parametrize("well", [True, False])
def test_the_image_asks_by_an_exit_status(tmp_path: Path, well: bool) -> None:
    if well:
        (tmp_path / "health").touch()
    env = WorkerSettings.to_env(**WORKER_NAMES, heartbeat_file=str(tmp_path / "health"))
    asked = subprocess.run([sys.executable, "-m", "container.health"], env=env, capture_output=True, check=False)
    assert asked.returncode == (0 if well else 1)


# ---------------------------------------------------------------- a real process


@pytest.mark.parametrize("how", ["waits for ever", "holds Python's lock"])
def test_a_worker_with_a_wedged_engine_ends(how: str) -> None:
    """The heartbeat goes on, or not even that; either way the process ends and says why."""
    command = [sys.executable, "-m", "tests.container.wedged_worker", how]
    ended = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert ended.returncode not in (0, None)
    if how == "waits for ever":
        told = [json.loads(line) for line in ended.stdout.splitlines()]
        assert ended.returncode == STATUS
        assert [line["event"] for line in told[-3:]] == ["stands still", "attempt failed", "ends"]
        assert told[-1] == {"event": "ends", "error": "None", "status": "queued", "attempts": 1, "visible": True}
    else:
        assert b"Timeout" in ended.stderr, "and where every thread stood"
