"""`python -m tests.load`: load a sandbox, and kill its worker once. Exit status 0: every caller got a transcript."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from rich.console import Console
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from sandbox.assembly import ROOT
from sandbox.emulator import free_port
from sandbox.machine import Options, Sandbox, sandbox
from sandbox.state import State
from sandbox.steps import Steps
from sandbox.up import SAMPLE
from tests.faults.ledger import Told
from tests.load.callers import Callers, Watch
from tests.load.clips import clips
from tests.load.report import Report, folder_size, function_processes, print_report
from tests.rollover.story import verdicts
from tests.sandbox.stack import Stack
from tests.soak.gauge import family_of

PATIENCE_SECONDS = 1800.0
"""That a job may take. A worker's death alone costs two minutes, until its messages can be received again."""

SETTLE_SECONDS = 120.0
"""That the last webhooks may take after the last job."""


@dataclass(frozen=True)
class Size:
    callers: int
    clips: int
    seed: int


@dataclass
class Receiver:
    """Takes webhook calls, and counts those whose signature is false."""

    told: Told = field(default_factory=Told)
    secret: str = ""  # known once the webhook is registered
    forged: int = 0

    def take(self, headers: dict[str, str], body: bytes) -> None:
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
        else:
            self.told.hear(headers["webhook-id"], body)


@dataclass(frozen=True)
class Place:
    """Where a sandbox is: what Stack needs of it."""

    env: dict[str, str]
    port: int


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    for name in [name for name in os.environ if name.startswith(("AWS_", "TIRO_"))]:
        del os.environ[name]
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="tiro-load-"))
    report = load(Size(asked.callers, asked.clips, asked.seed), folder, asked.corpus)
    print_report(report, Console())
    if asked.folder is None and report.good:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.last_line())
    return 0 if report.good else 1


def load(size: Size, folder: Path, corpus: Path) -> Report:
    """Run it in a folder of its own, on a port of its own. Raises SandboxError."""
    options = Options(State(folder / "state"), free_port(), ROOT / ".venv-emulator/bin/ministack")
    known = clips(corpus, SAMPLE)
    chosen = random.Random(size.seed).choices(known, k=size.clips)  # noqa: S311
    receiver = Receiver()
    with ExitStack() as stack:
        running = stack.enter_context(sandbox(options, Steps(Console(stderr=True)), os.environ))
        callers = Callers(running.env, chosen, PATIENCE_SECONDS)
        keeper = stack.enter_context(_kept(running, callers, kill_at=size.clips // 4))
        receiver.secret = _register(running, stack.enter_context(listening(receiver)))
        began = time.monotonic()
        with (
            Watch(lambda: folder_size(options.state.emulator / "tmp")) as scratch,
            Watch(lambda: len(function_processes(options.state))) as processes,
        ):
            callers.run(size.callers)
        took = time.monotonic() - began
        _settle(callers, receiver)
        with Stack(Place(dict(running.env), options.port)) as at:
            found = verdicts(at, receiver.told, callers.submitted)
    return Report(
        verdicts=found,
        callers=size.callers,
        clips=size.clips,
        statuses=callers.calls.statuses,
        server_errors=callers.calls.server_errors,
        unexpected=callers.calls.unexpected,
        wrong=callers.wrong,
        forged=receiver.forged,
        scratch=scratch.most,
        processes=int(processes.most),
        slowest=callers.calls.slowest,
        slowest_after_refusal=callers.calls.slowest_after_refusal,
        took=took,
        killed=keeper.killed,
    )


@dataclass
class Keeper:
    killed: int = 0


@contextmanager
def _kept(running: Sandbox, callers: Callers, *, kill_at: int) -> Iterator[Keeper]:
    """Watch the sandbox as `make sandbox` does, and kill its worker once, when so many jobs are completed."""
    keeper, over = Keeper(), threading.Event()

    def keep() -> None:
        while not over.wait(0.3):
            running.watch()
            if not keeper.killed and len(callers.completed) >= max(1, kill_at):
                [_, worker, *_] = family_of(running.worker.pid)  # the guard's own child
                os.kill(worker, signal.SIGKILL)
                keeper.killed = 1

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    yield keeper
    over.set()
    thread.join()


@contextmanager
def listening(receiver: Receiver) -> Iterator[str]:
    """Receive webhook calls on a loopback address, and yield it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _register(running: Sandbox, url: str) -> str:
    """Register a webhook and return its secret."""
    headers = {"Authorization": f"Bearer {running.env['TIRO_API_KEY']}"}
    made = httpx.post(f"{running.env['TIRO_API_URL']}/v1/webhooks", json={"url": url}, headers=headers, timeout=60)
    made.raise_for_status()
    return str(made.json()["secret"])


def _settle(callers: Callers, receiver: Receiver) -> None:
    """Wait for the webhooks of all jobs, for SETTLE_SECONDS at most, and then a little for any that come twice."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while set(callers.submitted) - set(receiver.told.ends) and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(5)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--callers", type=int, default=50, help="at once")
    parser.add_argument("--clips", type=int, default=100, help="in all, one job each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=Path(), help="of real speech; else the sandbox's sample")
    parser.add_argument("--folder", type=Path, help="where logs and state stay; else deleted when all is well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
