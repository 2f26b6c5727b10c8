"""A plugin of pytest: writes down which function, or the worker, made which call to AWS, and in which test.

`python -m pytest -p tests.infra.recorder` with CALLS_FILE set. It listens where botocore itself says what it is about
to ask for, so that a URL that is only signed counts too: it is used with the role of who signed it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.session import Session

from infra.app import ROOT
from tests.infra.permissions import Need, needs
from tiro.settings import variable

CALLED_IN_INFRA = {
    "table": "StorageTable",
    "media_bucket": "StorageMedia",
    "transcript_bucket": "StorageTranscripts",
    "queue_url": "WorkQueue",
    "batch_queue_url": "BatchWorkQueue",
    "fetch_queue_url": "FetchesQueue",
    "delivery_queue_url": "DeliveriesQueue",
    "event_bus": "ChangesBus",
    "cluster": "FleetCluster",
    "task_definition": "FleetTask",
    "project": "ImageProject",
    "source_buckets": "archive",  # tests/infra/test_roles.py
}
"""Settings that name a resource."""

acting: ContextVar[str] = ContextVar("acting", default="")
_seen: dict[tuple[str, Need], str] = {}
_test = ""


def pytest_configure() -> None:
    botocore.register_initializer(_listen)
    setattr(threading.Thread, "start", _with_context(threading.Thread.start))  # noqa: B010  (mypy sees no method here)
    for file in sorted((ROOT / "functions").iterdir()):
        module = import_module(f"functions.{file.stem}") if file.suffix == ".py" or file.name == "api" else None
        if hasattr(module, "handler"):
            module.handler = _as(file.stem, module.handler)  # type: ignore[union-attr]
    worker = import_module("container.worker").Worker
    for method in ("handle", "_receive"):
        setattr(worker, method, _as("worker", getattr(worker, method)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    global _test
    _test = item.nodeid
    yield


def pytest_sessionfinish() -> None:
    calls = [{"who": who, **vars(need), "test": test} for (who, need), test in _seen.items()]
    Path(os.environ["CALLS_FILE"]).write_text(json.dumps(calls))


def _listen(session: Session) -> None:
    session.register("before-parameter-build", _note)


def _note(**event: Any) -> None:
    params, model = event["params"], event["model"]
    if who := acting.get():
        names = {os.environ.get(variable(setting), setting): name for setting, name in CALLED_IN_INFRA.items()}
        for need in needs(model.service_model.service_name, model.name, params, names):
            _seen.setdefault((who, need), _test)


def _as(who: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def acted(*arguments: Any, **more: Any) -> Any:
        with _acting(who):
            return function(*arguments, **more)

    return acted


@contextmanager
def _acting(who: str) -> Iterator[None]:
    token = acting.set(who)
    try:
        yield
    finally:
        acting.reset(token)


def _with_context(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Let a thread know who started it, which Python's own do not."""

    def started(thread: threading.Thread) -> None:
        context, run = copy_context(), thread.run
        thread.run = lambda: context.run(run)  # type: ignore[method-assign]
        start(thread)

    return started
