"""An emulator to which a test deploys what it likes, with workers begun at will, which no sandbox does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import emulator as emulators
from sandbox import machine
from sandbox.assembly import SYNTH, Assembly
from sandbox.deploy import deploy
from sandbox.emulator import Emulator, free_port
from sandbox.processes import Child, Command, plain_environment
from sandbox.state import SandboxError, State

HIDDEN_SECONDS = 15
"""That a message stays with a function; in the cloud it is minutes, and an update kills nobody."""


@dataclass(frozen=True)
class Place:
    """A stack that is there, and the environment that leads to it."""

    env: dict[str, str]
    port: int


@dataclass(frozen=True)
class Ground:
    """An emulator that runs. Its key and its state lie in one folder."""

    state: State
    port: int

    @property
    def emulator(self) -> Emulator:
        return Emulator(self.port)

    def deploy(self, assembly: Assembly) -> Place:
        """Create or update the stack; return when its functions of this version answer. Raises SandboxError."""
        deployed = deploy(assembly, self.emulator, self.state)
        key = machine.make_key(self.state, self.emulator, deployed.outputs["TableName"])
        env = machine.environment(self.emulator, deployed.outputs, key)
        self._hurry(env)
        machine.warm(self.emulator, env, seconds=180)
        return Place(env, self.port)

    def _hurry(self, env: Mapping[str, str]) -> None:
        """Have messages come back soon: an emulator that gets new code kills the functions that had them in hand."""
        sqs = self.emulator.client("sqs")
        for url in sqs.list_queues()["QueueUrls"]:
            if url not in (env["TIRO_QUEUE_URL"], env["TIRO_BATCH_QUEUE_URL"]):  # their workers live on
                sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})

    def worker(self, name: str, tree: Path, env: Mapping[str, str]) -> Child:
        """Begin a worker of the code in `tree`, which is yours to stop."""
        own = {"TIRO_HEARTBEAT_FILE": str(self.state.root / f"{name}.alive"), "TIRO_THREADS": "1"}
        module = "container" if (tree / "container/__main__.py").exists() else "container.worker"  # as it once began
        argv = [sys.executable, "-m", module]
        plain = plain_environment(os.environ)
        return Child(Command(name, argv, plain | dict(env) | own, tree, self.state.log(name), grace=30))


@contextmanager
def open_ground(folder: Path, executable: Path) -> Iterator[Ground]:
    """Start an emulator, and stop it. Raises SandboxError."""
    ground = Ground(State(folder), free_port())
    with ground.state.hold() as lock:
        child = emulators.start(ground.emulator, executable, ground.state, os.environ, lock)
        try:
            emulators.wait_healthy(ground.emulator, child)
            yield ground
        finally:
            child.stop()


def synthesize(tree: Path, folder: Path, *more: str) -> Path:
    """Have the code in `tree` write its assembly of the stage `sandbox`; return its folder. Raises SandboxError."""
    argv = [sys.executable, *SYNTH, "--output", str(folder), *more]
    env = plain_environment(os.environ)
    done = subprocess.run(argv, cwd=tree, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"CDK could not make the template of {tree.name}: {done.stderr[-2000:]}")
    return folder
