"""A worker that dies is begun again; one that cannot start says why."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.processes import Command
from sandbox.state import SandboxError
from sandbox.worker import Worker


def worker(folder: Path, script: str, said: list[str]) -> Worker:
    folder.joinpath("lock").touch()
    lock = os.open(folder / "lock", os.O_RDONLY)
    command = Command("worker", ["sh", "-c", script], os.environ, folder, folder / "log", grace=1)
    return Worker(command, folder / "alive", lock, said.append)


def until(condition: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        meanwhile()
        time.sleep(0.05)


def test_the_dead_are_replaced(tmp_path: Path) -> None:
    said: list[str] = []
    running = worker(
        tmp_path, """echo '{"event": "out of luck"}'; echo x >> lives; touch alive; sleep 0.2; exit 7""", said
    )
    until(lambda: (tmp_path / "lives").exists() and len((tmp_path / "lives").read_text().split()) >= 2, running.watch)
    running.stop()
    assert said[0].startswith("ended with status 7 (out of luck); begun again in 1 s")


def test_ready_is_the_first_heartbeat(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()  # a worker of yesterday's
    running = worker(tmp_path, "sleep 0.3; touch alive ready; sleep 60", [])
    running.wait_ready(lambda _: None)
    assert (tmp_path / "ready").exists()
    running.stop()


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    running = worker(tmp_path, """echo '{"event": "cannot start", "detail": "There is no model"}' >&2; exit 1""", [])
    with pytest.raises(SandboxError, match="There is no model"):
        running.wait_ready(lambda _: None)
    running.stop()
