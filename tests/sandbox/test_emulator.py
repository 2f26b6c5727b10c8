"""Addresses, ports, and who has them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest

from sandbox import emulator as emulators
from sandbox.emulator import HOST, Emulator, free_port, listener, require_free
from sandbox.processes import Child, Command
from sandbox.state import SandboxError, State
from tests.sandbox.test_processes import eventually


def test_api_url() -> None:
    url = Emulator(4566).api_url("https://abc123.execute-api.us-east-1.amazonaws.com/prod/")
    assert url == "http://127.0.0.1:4566/_aws/execute-api/abc123/prod"


def test_a_free_port_is_free() -> None:
    require_free(free_port())


def test_a_taken_port_is_named_with_its_owner() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"Port {port} is taken.*TIRO_SANDBOX_PORT={port + 1}"):
            require_free(port)
        owner = listener(port)
        assert owner is None or re.match(rf"process {os.getpid()}\b", owner)


def test_an_emulator_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"not installed.*make sandbox"):
        emulators.start(Emulator(free_port()), tmp_path / "ministack", State(tmp_path), os.environ, lock=0)


def test_the_emulator_s_python_is_beside_its_command_or_where_that_leads(tmp_path: Path) -> None:
    environment, elsewhere = tmp_path / "venv" / "bin", tmp_path / "bin"
    for folder in (environment, elsewhere):
        folder.mkdir(parents=True)
    (environment / "ministack").touch()
    (elsewhere / "ministack").symlink_to(environment / "ministack")
    with pytest.raises(SandboxError, match=r"no Python beside .*ministack"):
        emulators.interpreter(environment / "ministack")
    (environment / "python").symlink_to(sys.executable)
    for command in (environment / "ministack", elsewhere / "ministack"):
        assert emulators.interpreter(command) == environment / "python"


def test_no_start_waits_for_an_earlier_run_s_files_to_be_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = State(tmp_path)
    old = state.emulator / "tmp" / "packages" / "old.py"
    old.parent.mkdir(parents=True)
    old.touch()
    go_on, waited = threading.Event(), []
    delete = shutil.rmtree

    def slowly(folder: Path, ignore_errors: bool) -> None:
        waited.append(go_on.wait(5))
        delete(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", slowly)
    assert list(emulators.make_scratch(state).iterdir()) == []
    assert len(emulators.discarded(state)) == 1
    go_on.set()
    eventually(lambda: not emulators.discarded(state))
    assert waited == [True]


def test_what_was_not_deleted_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    state = State(tmp_path)
    (state.emulator / f"{emulators.DISCARDED}1" / "packages").mkdir(parents=True)
    emulators.make_scratch(state)
    eventually(lambda: not emulators.discarded(state))


def test_an_emulator_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    command = Command("emulator", ["sh", "-c", "echo no memory left; exit 1"], os.environ, tmp_path, tmp_path / "log")
    with pytest.raises(SandboxError, match=r"(?s)ended at once.*no memory left"):
        emulators.wait_healthy(Emulator(free_port()), Child(command))


def test_saved_state_follows_to_another_port(tmp_path: Path) -> None:
    state = State(tmp_path)
    emulators.move(state, 4566)
    emulators.saved(state).mkdir()
    queues = emulators.saved(state) / "sqs.json"
    queues.write_text('{"http://localhost:4566/000000000000/work": "localhost:45660"}')
    emulators.move(state, 4566)
    assert "4566/" in queues.read_text()
    emulators.move(state, 4999)
    assert queues.read_text() == '{"http://localhost:4999/000000000000/work": "localhost:45660"}'


def test_after_a_restart_a_stream_is_heard_from_its_beginning(tmp_path: Path) -> None:
    state = State(tmp_path)
    emulators.saved(state).mkdir(parents=True)
    file = emulators.saved(state) / "lambda.json"
    kept = {"functions": {"data": {"a\u0000b": 1}}}
    file.write_text(json.dumps({"payload": {**kept, "dynamodb_stream_positions": {"data": {"a\u0000b": 1207}}}}))
    emulators.read_streams_anew(state)
    assert json.loads(file.read_text()) == {"payload": {**kept, "dynamodb_stream_positions": {"data": {}}}}
