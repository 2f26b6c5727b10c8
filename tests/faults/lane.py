"""One worker, its proxy, and what is known of it by its log. It is begun again when it dies, as ECS would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox.assembly import ROOT
from sandbox.processes import plain_environment
from tests.faults import disk
from tests.faults.hearing import EVENTS, Heard
from tests.faults.proxy import Proxy

GRACE_SECONDS = 20.0
"""After SIGTERM. A Spot notice is two minutes; a worker needs one window."""


@dataclass
class Lane:
    """Tend it now and then: it does nothing by itself but read the log."""

    name: str
    folder: Path
    env: Mapping[str, str]
    emulator_port: int
    heard: Heard = field(default_factory=Heard)
    job: str | None = None  # in hand
    ready: bool = False
    ended: int = 0  # times that the worker died or stopped
    stuck: int = 0  # times that it did not stop when it was asked to

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.proxy = Proxy(self.emulator_port, self._signal)
        self._clock = self.folder / "clock"
        self._clock.write_text("0")
        self._asked_at: float | None = None
        self._paused_until: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._full = False

    # ------------------------------------------------------------ what may be done to it

    def tend(self) -> None:
        """Begin the worker again when it is gone, let it go on when its pause is over."""
        now = time.monotonic()
        if self._paused_until and now >= self._paused_until:
            self._send(signal.SIGCONT)
            self._paused_until = None
        if self._asked_at and now > self._asked_at + GRACE_SECONDS:
            self.stuck += 1
            self._send(signal.SIGKILL)
            self._asked_at = None
        if self._process is None or self._process.poll() is not None:
            self._begin()

    @property
    def temporary(self) -> Path:
        """Where it may write."""
        return self.folder / "tmp"

    @property
    def busy(self) -> bool:
        return self.job is not None and self._paused_until is None and self._asked_at is None

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        self._asked_at = time.monotonic()
        self._send(signal.SIGTERM)

    def pause(self, seconds: float) -> None:
        self._paused_until = time.monotonic() + seconds
        self._send(signal.SIGSTOP)

    def set_clock(self, off_by: float) -> None:
        self._clock.write_text(str(off_by))

    def fill_disk(self, full: bool) -> None:
        """What a full disk does to whoever writes, and to nobody else: the worker, and the decoders it began."""
        if self.pid and full != self._full:
            disk.fill(self.pid, full)
            self._full = full

    def stop(self) -> None:
        self.proxy.arm(None)
        self._send(signal.SIGCONT)
        self._send(signal.SIGTERM)
        if self._process:
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.stuck += 1
                self._send(signal.SIGKILL)
                self._process.wait()
            self._hang_up()
        self.proxy.__exit__()

    # ------------------------------------------------------------ the process

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def _signal(self, action: str) -> None:
        self.kill() if action == "kill" else self.terminate()

    def _send(self, number: signal.Signals) -> None:
        process = self._process
        if process and process.poll() is None:
            process.send_signal(number)
            if number is signal.SIGKILL:
                self.job = None

    def _begin(self) -> None:
        if self._process:
            self.ended += 1
            self._hang_up()
        self.job, self.ready, self._full = None, False, False
        self._asked_at = self._paused_until = None
        self.set_clock(0.0)
        self.temporary.mkdir(exist_ok=True)
        env = {
            **plain_environment(os.environ),
            **self.env,
            "AWS_ENDPOINT_URL": self.proxy.endpoint,
            "FAULTS_CLOCK": str(self._clock),
            "TIRO_HEARTBEAT_FILE": str(self.folder / "alive"),
            "TMPDIR": str(self.temporary),
        }
        argv = [sys.executable, "-m", "container", "tests.faults.worker"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, cwd=ROOT, env=env, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe)
        assert self._process.stderr
        threading.Thread(target=self._read, args=(self._process, self._process.stderr), daemon=True).start()

    def _hang_up(self) -> None:
        if self._process and self._process.stdin:
            self._process.stdin.close()

    # ------------------------------------------------------------ the log

    def _read(self, process: subprocess.Popen[bytes], lines: IO[bytes]) -> None:
        with (self.folder / "log").open("ab") as log, lines:
            for line in lines:
                log.write(line)
                log.flush()
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if isinstance(said, dict):
                    self._hear(said)
                    if process is self._process:
                        self._note(said)

    def _hear(self, said: dict[str, Any]) -> None:
        """Note what was heard, also by a worker that is dead by now."""
        if event := EVENTS.get(str(said.get("event"))):
            self.heard.note(event, said["recording"], said["attempt"], said.get("window", ()))

    def _note(self, said: dict[str, Any]) -> None:
        with self._lock:
            match said.get("event"):
                case "ready":
                    self.ready = True
                case "claimed":
                    self.job = str(said.get("job_id"))
                case "completed" | "failed" | "returned" | "left alone" | "attempt failed" | "unexpected":
                    self.job = None
