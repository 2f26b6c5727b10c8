"""Children end when the sandbox ends, whichever way that is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.assembly import ROOT
from sandbox.processes import Child, Command, plain_environment

FAMILY = "sleep 300 & echo $! > grandchild; echo $$ > child; wait"
"""A child that has a child of its own, as the emulator has Lambdas."""


def command(folder: Path, script: str, *, grace: float = 5) -> Command:
    return Command("test", ["sh", "-c", script], plain_environment(os.environ), folder, folder / "log", grace)


def alive(pid: int) -> bool:
    """Whether it runs; what was killed and only waits for its parent's look does not."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(said) and not said.startswith("Z")


def pids(folder: Path) -> list[int]:
    """Wait for the family to be complete, and return its members."""
    files = [folder / "child", folder / "grandchild"]
    eventually(lambda: all(file.exists() and file.read_text().strip() for file in files))
    return [int(file.read_text()) for file in files]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def test_stop_ends_the_child_and_what_it_started(tmp_path: Path) -> None:
    child = Child(command(tmp_path, FAMILY))
    family = pids(tmp_path)
    child.stop()
    assert not any(alive(pid) for pid in family)


def test_stop_asks_before_it_ends(tmp_path: Path) -> None:
    child = Child(
        command(tmp_path, "trap 'echo saved > state; exit 0' TERM; echo > child; while :; do sleep 0.1; done")
    )
    eventually((tmp_path / "child").exists)
    child.stop()
    assert (tmp_path / "state").read_text() == "saved\n"
    assert child.poll() is not None


def test_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    child = Child(command(tmp_path, f"trap '' TERM; {FAMILY}", grace=0.2))
    family = pids(tmp_path)
    child.stop()
    assert not any(alive(pid) for pid in family)


def test_exit_status_and_last_words(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "echo first; echo last >&2; exit 3"))
    assert child.wait() == 3
    assert child.last_words(1) == "last"
    child.stop()


def test_a_dead_childs_children_are_ended(tmp_path: Path) -> None:
    child = Child(command(tmp_path, "sleep 300 & echo $! > grandchild"))
    assert child.wait() == 0
    grandchild = int((tmp_path / "grandchild").read_text())
    eventually(lambda: not alive(grandchild))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    parent = f"""
import os, time
from dataclasses import replace
from pathlib import Path
from tests.sandbox.test_processes import FAMILY, command
from sandbox.processes import Child
child = Child(command(Path({str(tmp_path)!r}), FAMILY))
time.sleep(300)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT)
    family = pids(tmp_path)
    process.send_signal(number)
    process.wait()
    eventually(lambda: not any(alive(pid) for pid in family))


def test_the_environment_leads_nowhere_else() -> None:
    shell = {"PATH": "/bin", "AWS_PROFILE": "prod", "TIRO_API_KEY": "secret", "PYTHONPATH": "/elsewhere"}
    env = plain_environment(shell)
    assert env["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "TIRO_API_KEY", "PYTHONPATH"} & set(env)


def test_the_signpost_goes_with_the_parent(tmp_path: Path) -> None:
    signpost = tmp_path / "env"
    signpost.touch()
    child = Child(replace(command(tmp_path, FAMILY), signpost=signpost))
    pids(tmp_path)
    assert signpost.exists()
    child.stop()
    assert not signpost.exists()
