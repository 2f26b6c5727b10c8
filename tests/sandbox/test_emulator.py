"""Addresses, ports, and who has them."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from sandbox import emulator as emulators
from sandbox.emulator import HOST, Emulator, free_port, listener, require_free
from sandbox.processes import Child, Command
from sandbox.state import SandboxError, State


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
