"""The folder: one sandbox at a time, private files, a reset that is careful."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.assembly import ROOT
from sandbox.state import SandboxError, State, read_env, write_env


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def test_one_at_a_time(state: State) -> None:
    assert state.running() is None
    with state.hold():
        assert state.running() == os.getpid()
        with pytest.raises(SandboxError, match=f"already runs.*process {os.getpid()}"), state.hold():
            pass
    assert state.running() is None


def test_the_dead_hold_nothing(state: State) -> None:
    hold = f"State(Path({str(state.root)!r})).hold().__enter__(); os._exit(9)"
    script = f"import os; from pathlib import Path; from sandbox.state import State; {hold}"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert state.lock.exists()
    with state.hold():
        assert state.running() == os.getpid()


def test_a_dead_sandboxs_children_hold_it_still(state: State) -> None:
    state.root.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with state.hold() as lock:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    state.lock.write_text(f"{dead.pid}\n")
    try:
        with pytest.raises(SandboxError, match="already runs"), state.hold(patience=0.3):
            pass
    finally:
        child.kill()
        child.wait()
    with state.hold():
        pass


def test_env_is_private_and_whole(state: State) -> None:
    state.root.mkdir()
    write_env(state.env, {"TIRO_API_KEY": "tiro_abc-_=", "TIRO_API_URL": "http://127.0.0.1:4566/x"})
    assert state.env.stat().st_mode & 0o777 == 0o600
    assert read_env(state.env) == {"TIRO_API_KEY": "tiro_abc-_=", "TIRO_API_URL": "http://127.0.0.1:4566/x"}
    said = subprocess.run(
        ["sh", "-c", f". {state.env}; echo $TIRO_API_KEY"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "tiro_abc-_=\n"
    assert {file.name for file in state.root.iterdir()} == {"env"}


def test_reset(state: State) -> None:
    state.reset()  # nothing there, nothing to do
    with state.hold():
        (state.root / "key").write_text("secret")
        with pytest.raises(SandboxError, match="already runs"):
            state.reset()
    assert (state.root / "key").exists()
    state.reset()
    assert not state.root.exists()


def test_reset_spares_what_is_no_sandbox(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SandboxError, match="no sandbox's folder"):
        State(tmp_path).reset()
    assert (tmp_path / "thesis.txt").exists()
