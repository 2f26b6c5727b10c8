"""What a person is told who asks for what cannot be, by the real command."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from sandbox.assembly import ROOT
from sandbox.emulator import HOST, free_port
from sandbox.state import State


def run(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *arguments, "--state", str(state)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def nothing_is_left(state: Path) -> bool:
    return State(state).running() is None and not State(state).env.exists()


def test_port_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run("up", "--port", str(port), "--emulator", sys.executable, state=tmp_path)
    assert said.returncode == 1
    assert f"Port {port} is taken" in said.stderr
    assert "TIRO_SANDBOX_PORT=" in said.stderr
    assert "Traceback" not in said.stderr
    assert nothing_is_left(tmp_path)


def test_already_running(tmp_path: Path) -> None:
    with State(tmp_path).hold():
        for command in ("up", "reset"):
            said = run(command, state=tmp_path)
            assert said.returncode == 1
            assert "already runs" in said.stderr


def test_no_emulator(tmp_path: Path) -> None:
    said = run("up", "--port", str(free_port()), "--emulator", str(tmp_path / "none"), state=tmp_path / "state")
    assert said.returncode == 1
    assert "not installed" in said.stderr
    assert nothing_is_left(tmp_path / "state")


def test_demo_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    said = run("demo", str(tmp_path / "none.mp3"), state=tmp_path / "state")
    assert said.returncode == 1
    assert "none.mp3 cannot be read: No such file" in said.stderr
    assert not (tmp_path / "state").exists()


def test_reset(tmp_path: Path) -> None:
    with State(tmp_path / "state").hold():
        pass
    assert run("reset", state=tmp_path / "state").returncode == 0
    assert not (tmp_path / "state").exists()
