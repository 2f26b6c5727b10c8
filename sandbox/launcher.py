"""Starts ministack with bounded, reusable Lambda workers. Runs in the emulator's own Python, never in Tiro's.

    python -P sandbox/launcher.py

ministack starts one process for every concurrent invocation, unpacks the whole package for each of them, and kills a
process whose handler raised. The authorizer raises for every 401, and 50 callers at once meant 74 processes, 4.5 GB of
unpacked packages and two minutes of imports. `install` replaces three parts of ministack, and `check_version` refuses
any version other than the one that these replacements were written for (docs/decisions/0026).

It imports the standard library, ministack and gateway.py: nothing of Tiro is installed beside ministack.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from runpy import run_path
from typing import Any

VERSION = "1.5.33"
"""The version of requirements/emulator.txt. Read core/lambda_runtime.py and the callers of `acquire_worker` in
services/lambda_svc.py of another version before you change it."""

GATEWAY = Path(__file__).with_name("gateway.py")
"""Corrects what the emulator's API Gateway answers for a function that failed."""

RAISED = '{"status": "error", "error": str(e), "trace"'
KEPT = '{"status": "ok", "raised": str(e), "trace"'
"""What ministack's worker script answers when a handler raises, and what it answers here. ministack kills a process
that answers `error`; AWS keeps it."""

EMPTY_ZIP = b"PK\x05\x06" + bytes(18)

_unpacking = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """How many processes one function may have."""

    at_once: int = max(2, min(4, os.cpu_count() or 2))  # started as soon as calls need them
    at_most: int = 24  # the calls that Tiro holds open at once (20), and four others
    patience: float = 3.0  # seconds in which no process becomes free before another is started beyond `at_once`
    longest: float = 300.0  # seconds that a call waits for a process before it is throttled


class Pools:
    """Leases processes to invocations: a call waits its turn where ministack would start one more process.

    `runtime` is ministack.core.lambda_runtime, whose table of workers and whose lock are used as they are.
    """

    def __init__(self, runtime: Any, limits: Limits) -> None:
        self._runtime, self._limits = runtime, limits
        self._changed = threading.Condition(runtime._lock)
        self._turns: dict[str, deque[object]] = {}

    def acquire(
        self,
        func_name: str,
        config: Mapping[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[Any, str]:
        """Return a worker and "reused" or "spawn", first come, first served. After `longest` seconds: None, "func_cap".

        A function that invokes itself and waits for the answer would wait for its own process once `at_most` are in
        use. Tiro has none.
        """
        key, ticket = self._runtime._worker_key(func_name, config, qualifier), object()
        most = min(max_concurrency or self._limits.at_most, self._limits.at_most)

        def start() -> Any:
            return self._runtime._worker_class_for(config)(func_name, config, code_zip)

        with self._changed:
            turns, before = self._turns.setdefault(key, deque()), list(self._runtime._workers.get(key, ()))
            turns.append(ticket)
            try:
                deadline, first_since = time.monotonic() + self._limits.longest, None
                while (now := time.monotonic()) < deadline:
                    if turns[0] is ticket:
                        first_since = now if first_since is None else first_since
                        workers = self._runtime._workers.setdefault(key, [])
                        if free := next((worker for worker in workers if not worker.in_use), None):
                            return self._lease(free), "reused"
                        if before and not any(worker in before for worker in workers):
                            # The function was updated while this call waited: its package is not for other calls.
                            return self._lease(start(), outdated=True), "spawn"
                        if len(workers) < most and self._may_start(len(workers), now - first_since):
                            workers.append(start())
                            return self._lease(workers[-1]), "spawn"
                    self._changed.wait(0.5)
                return None, "func_cap"
            finally:
                turns.remove(ticket)
                self._changed.notify_all()

    def release(self, worker: Any) -> None:
        """Give a worker back; None is ignored, as ministack does."""
        if worker is None:
            return
        with self._changed:
            worker.in_use = False
            self._changed.notify_all()
        if worker.outdated:
            self._runtime.kill_workers([worker])

    def _lease(self, worker: Any, *, outdated: bool = False) -> Any:
        worker.in_use, worker.last_used, worker.outdated = True, time.time(), outdated
        return worker

    def _may_start(self, running: int, waited: float) -> bool:
        """Beyond `at_once`, one process starts at a time: importing a package takes a core for seconds."""
        if running < self._limits.at_once:
            return True
        starting = any(w.in_use and w._cold for workers in self._runtime._workers.values() for w in workers)
        return waited >= self._limits.patience and not starting


def unpack(code_zip: bytes) -> Path:
    """Return the folder of a package's files, in the temporary folder. Each package is unpacked once."""
    folder = Path(tempfile.gettempdir(), "packages", hashlib.sha256(code_zip).hexdigest()[:16])
    with _unpacking:
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)
            with zipfile.ZipFile(BytesIO(code_zip)) as archive:
                archive.extractall(draft)
            draft.rename(folder)
    return folder


def shared_worker(base: Any) -> Any:
    """Return ministack's class Worker with two differences: packages are shared, and a handler may raise."""

    class SharedWorker(base):  # type: ignore[misc]  # ministack is not installed where mypy runs
        config: Mapping[str, Any]
        code_zip: bytes

        def _spawn(self) -> None:
            if self.code_zip is not EMPTY_ZIP and str(self.config.get("Runtime", "")).startswith("python"):
                known = self.config.get("Environment", {}).get("Variables", {})
                variables = {**known, "PYTHONPATH": str(unpack(self.code_zip))}
                self.config = {**self.config, "Environment": {"Variables": variables}}
                self.code_zip = EMPTY_ZIP
            super()._spawn()

        def invoke(self, *arguments: Any, **named: Any) -> dict[str, Any]:
            try:
                answer: dict[str, Any] = super().invoke(*arguments, **named)
            except Exception as error:  # noqa: BLE001  # ministack would kill every process of this function
                return {"status": "error", "error": str(error), "cold_start": True, "log": ""}
            if "raised" in answer:
                return {**answer, "status": "error", "error": answer["raised"]}
            return answer

    return SharedWorker


def install(runtime: Any, service: Any, limits: Limits) -> None:
    """Replace the worker script's error line, the class Worker and the pool. Raises ValueError where one is missing."""
    if runtime._PYTHON_WORKER_SCRIPT.count(RAISED) != 1:
        raise ValueError("ministack's worker script does not report an exception as sandbox/launcher.py expects.")
    runtime._PYTHON_WORKER_SCRIPT = runtime._PYTHON_WORKER_SCRIPT.replace(RAISED, KEPT)
    class_for, shared = runtime._worker_class_for, shared_worker(runtime.Worker)
    plain = runtime.Worker
    runtime._worker_class_for = lambda config: shared if class_for(config) is plain else class_for(config)
    pools = Pools(runtime, limits)
    for module in (runtime, service):
        for name, replacement in (("acquire_worker", pools.acquire), ("release_worker", pools.release)):
            if not callable(getattr(module, name, None)):
                raise ValueError(f"ministack's {module.__name__} has no {name}.")
            setattr(module, name, replacement)


def check_version(installed: str) -> None:
    """Raises ValueError for any version of ministack but the one that this file was written for."""
    if installed != VERSION:
        raise ValueError(
            f"ministack {installed} is installed, and sandbox/launcher.py is written for {VERSION}. Install that one "
            "(make .venv-emulator/.done), or check what the launcher replaces and change its VERSION."
        )


def main() -> None:
    """Run ministack in the foreground, as its own command does."""
    try:
        check_version(version("ministack"))
        from ministack.core import lambda_runtime
        from ministack.services import apigateway_v1, lambda_svc

        install(lambda_runtime, lambda_svc, Limits())
        run_path(str(GATEWAY))["install"](apigateway_v1)
    except (ImportError, ValueError) as error:
        sys.exit(f"The emulator cannot be started: {error}")
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
