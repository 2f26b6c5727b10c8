"""The launcher's pools by themselves, and with the installed ministack: few processes, one unpacked package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox import launcher
from sandbox.assembly import ROOT
from sandbox.launcher import Limits, Pools
from tests.sandbox.conftest import EMULATOR

FUNCTION = """
import os, time
def handler(event, context):
    if "raise" in event:
        raise Exception(event["raise"])
    time.sleep(event.get("seconds", 0))
    return {"process": os.getpid(), "file": __file__}
"""

PROGRAM = """
import io, json, pathlib, sys, tempfile, zipfile
from concurrent.futures import ThreadPoolExecutor
sys.path.append(sys.argv[1])
import launcher
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

launcher.install(lambda_runtime, lambda_svc, launcher.Limits(at_once=3, at_most=3))
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as archive:
    archive.writestr("mine/function.py", sys.stdin.read())
    archive.writestr("mine/large.bin", bytes(1_000_000))
arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
config = dict(FunctionName="f", FunctionArn=arn, Runtime="python3.11", Handler="mine.function.handler", Timeout=60)
def call(event):
    answer = lambda_svc._execute_function({"config": config, "code_zip": package.getvalue()}, event)
    return {"error": bool(answer.get("error")), "body": answer["body"]}
with ThreadPoolExecutor(20) as calls:
    burst = list(calls.map(call, [{"seconds": 0.05}] * 20))
refused = [call({"raise": "Unauthorized"}) for _ in range(3)]
after = [call({}) for _ in range(3)]
size = sum(path.stat().st_size for path in pathlib.Path(tempfile.gettempdir()).rglob("*") if path.is_file())
lambda_runtime.reset()
print(json.dumps(dict(burst=burst, refused=refused, after=after, size=size)))
"""


@dataclass
class Runtime:
    """The parts of ministack.core.lambda_runtime that the pools use."""

    _workers: dict[str, list[Any]] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def _worker_key(self, name: str, config: object, qualifier: str) -> str:
        return f"{name}:{qualifier}"

    def _worker_class_for(self, config: object) -> Callable[..., Worker]:
        return lambda _name, _config, code: Worker(code)

    def kill_workers(self, workers: list[Worker]) -> None:
        for worker in workers:
            worker.killed = True


@dataclass(eq=False)
class Worker:
    code: bytes
    killed: bool = False
    in_use: bool = False
    last_used: float = 0.0
    _cold: bool = False


def lease(pools: Pools, name: str = "f") -> tuple[Any, str]:
    return pools.acquire(name, {}, b"")


def test_a_free_process_is_reused() -> None:
    pools = Pools(Runtime(), Limits(at_once=2))
    first, how = lease(pools)
    assert how == "spawn"
    pools.release(first)
    assert lease(pools) == (first, "reused")


def test_a_call_waits_for_a_process_and_calls_are_served_in_order() -> None:
    pools = Pools(Runtime(), Limits(at_once=1, at_most=1))
    worker, _ = lease(pools)
    served: list[int] = []

    def call(number: int) -> None:
        leased, how = lease(pools)
        assert (leased, how) == (worker, "reused")
        served.append(number)
        pools.release(leased)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for waiting, thread in enumerate(threads, start=1):
        thread.start()
        while len(pools._turns["f:$LATEST"]) < waiting:
            time.sleep(0.001)
    pools.release(worker)
    for thread in threads:
        thread.join()
    assert served == list(range(8))


def test_calls_that_are_held_open_do_not_keep_others_out() -> None:
    pools = Pools(Runtime(), Limits(at_once=2, at_most=4, patience=0.0, longest=0.5))
    assert [lease(pools)[1] for _ in range(4)] == ["spawn"] * 4
    assert lease(pools) == (None, "func_cap")


def test_one_function_does_not_wait_for_another() -> None:
    pools = Pools(Runtime(), Limits(at_once=1, at_most=1))
    lease(pools, "api")
    assert lease(pools, "authorize")[1] == "spawn"


def test_beyond_the_first_processes_one_starts_at_a_time() -> None:
    runtime = Runtime()
    pools = Pools(runtime, Limits(at_once=1, at_most=9, patience=0.0, longest=0.05))
    starting, _ = lease(pools)
    starting._cold = True
    assert lease(pools) == (None, "func_cap")
    starting._cold = False
    assert lease(pools)[1] == "spawn"


def test_no_more_start_than_may() -> None:
    runtime = Runtime()
    pools = Pools(runtime, Limits(at_once=2, at_most=5, patience=0.01))
    together = threading.Barrier(30)

    def call() -> None:
        together.wait()
        leased, _ = lease(pools)
        assert sum(worker.in_use for worker in runtime._workers["f:$LATEST"]) <= 5
        time.sleep(0.002)
        pools.release(leased)

    threads = [threading.Thread(target=call) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(runtime._workers["f:$LATEST"]) <= 5
    assert not any(worker.in_use for worker in runtime._workers["f:$LATEST"])


def test_a_call_that_waited_through_an_update_leaves_no_process_of_the_old_package() -> None:
    runtime = Runtime()
    pools = Pools(runtime, Limits(at_once=1, at_most=1))
    pools.acquire("f", {}, b"old")
    waited: list[Any] = []
    thread = threading.Thread(target=lambda: waited.append(pools.acquire("f", {}, b"old")[0]))
    thread.start()
    while len(pools._turns["f:$LATEST"]) < 1:
        time.sleep(0.001)
    with runtime._lock:
        runtime._workers.pop("f:$LATEST")  # as ministack does when it is given new code
    thread.join()
    fresh, how = pools.acquire("f", {}, b"new")
    assert (fresh.code, how) == (b"new", "spawn")
    pools.release(waited[0])
    assert waited[0].killed
    assert not fresh.killed
    pools.release(fresh)
    assert not fresh.killed


def test_another_version_is_refused() -> None:
    launcher.check_version(launcher.VERSION)
    with pytest.raises(ValueError, match=r"ministack 1\.6\.0 is installed.*written for"):
        launcher.check_version("1.6.0")


def test_the_version_is_the_one_that_is_installed() -> None:
    [pinned] = re.findall(r"^ministack==(\S+)", (ROOT / "requirements/emulator.txt").read_text(), re.MULTILINE)
    assert pinned.removesuffix("\\").strip() == launcher.VERSION


def test_a_ministack_of_other_parts_is_refused() -> None:
    class Other:
        _PYTHON_WORKER_SCRIPT = "print('something else')"

    with pytest.raises(ValueError, match="worker script"):
        launcher.install(Other(), Other(), Limits())


@pytest.mark.sandbox
def test_the_installed_ministack_runs_few_processes_from_one_package(tmp_path: Path) -> None:
    if not EMULATOR.exists():
        pytest.skip("the emulator is not installed: make .venv-emulator/.done")
    command = [str(EMULATOR.with_name("python")), "-P", "-c", PROGRAM, str(ROOT / "sandbox")]
    done = subprocess.run(
        command, input=FUNCTION, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert not any(answer["error"] for answer in found["burst"] + found["after"])
    processes = {answer["body"]["process"] for answer in found["burst"]}
    assert 1 <= len(processes) <= 3
    assert len({answer["body"]["file"] for answer in found["burst"]}) == 1
    assert [answer["body"]["errorMessage"] for answer in found["refused"]] == ["Unauthorized"] * 3
    # A handler that raised has not cost its process, which is still the one to be used first.
    assert {answer["body"]["process"] for answer in found["after"]} <= processes
    assert found["size"] < 2_000_000
