"""Counts every call to AWS, and what of the CPU is ours and not spent in the call."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from tests.costs.units import Item, size_of, to_index, to_read, to_write

PRICES = json.loads((Path(__file__).resolve().parents[2] / "docs" / "prices.json").read_text())

S3_WRITES = {"PutObject", "ListObjectsV2", "ListObjectVersions", "CreateMultipartUpload", "CompleteMultipartUpload"}
S3_FREE = {"DeleteObject", "AbortMultipartUpload"}

CALL_SECONDS = 0.010
"""What a call to AWS is taken to last, for the bill of the functions that wait for it."""

VCPU_MIB = 1769
"""Of memory, with which a function has one CPU for itself (Lambda guide, "Configure function memory")."""

ACCESS_LOG_BYTES = 400
"""What API Gateway logs of a call. Lambda itself logs of what fails alone (infra/functions.py)."""


@dataclass
class Tally:
    """What one step used."""

    used: defaultdict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # by the names in docs/prices.json
    calls: Counter[str] = field(default_factory=Counter)  # to AWS, by operation
    cpu: list[float] = field(default_factory=list)  # seconds of each invocation, beyond calls
    gb_seconds: float = 0.0
    log_bytes: float = 0.0

    def shared(self, share: float) -> Tally:
        used = defaultdict(float, {name: count * share for name, count in self.used.items()})
        return replace(self, used=used, gb_seconds=self.gb_seconds * share, log_bytes=self.log_bytes * share)

    def usd(self) -> float:
        return self.counted_usd() + self.gb_seconds * float(PRICES["gb_second"])

    def counted_usd(self) -> float:
        """Return the price of all but the time that functions take, which a machine's load changes."""
        counted = sum(count * PRICES["per_million"][name] / 1e6 for name, count in self.used.items())
        return float(counted + self.log_bytes / 1e9 * PRICES["log_gb"])


class Meter:
    """Between `begin` and `end` of a step, everything goes to its tally."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._now: Tally | None = None
        self._in_calls = 0.0
        self._real = BaseClient._make_api_call  # type: ignore[attr-defined]

    @contextmanager
    def step(self, name: str, *, memory: int | None = None, by: str = "") -> Iterator[Tally]:
        """Count a step; `memory` in MiB where a function does it, which `by` wakes: "http", "queue" or "stream"."""
        tally = self.tallies.setdefault(name, Tally())
        before = sum(tally.calls.values())
        self._now, self._in_calls, began = tally, 0.0, time.process_time()
        try:
            yield tally
        finally:
            self._now, cpu = None, time.process_time() - began - self._in_calls
        tally.cpu.append(cpu)
        if memory is None:
            return
        seconds = CALL_SECONDS * (sum(tally.calls.values()) - before) + cpu / min(1.0, memory / VCPU_MIB)
        tally.gb_seconds += seconds * memory / 1024
        tally.used["lambda_request"] += 1
        tally.log_bytes += ACCESS_LOG_BYTES if by == "http" else 0
        tally.used["api_request"] += by == "http"
        tally.used["sqs_request"] += 2 * (by == "queue")  # Lambda receives for us, and deletes

    @contextmanager
    def share(self, share: float) -> Iterator[None]:
        """What happens in it happens once for several jobs: so much of it is each one's."""
        known = set(self.tallies)
        yield
        for name in self.tallies.keys() - known:
            self.tallies[name] = self.tallies[name].shared(share)

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What a test does in the middle of a step."""
        now, self._now = self._now, None
        yield
        self._now = now

    def call(self, client: Any, operation: str, params: dict[str, Any]) -> Any:
        """What stands in for botocore's own `_make_api_call`."""
        tally, began = self._now, time.thread_time()  # a batch's calls are made in threads
        try:
            if tally is None:
                return self._real(client, operation, params)
            changes = self._changes(client, operation, params)
            answer = self._real(client, operation, params)
        finally:
            self._in_calls += time.thread_time() - began
        tally.calls[operation] += 1
        self._count(tally, client.meta.service_model.service_name, operation, answer)
        for before, after, factor in changes:
            tally.used["write_unit"] += factor * to_write(before, after) + to_index(before, after)
        return answer

    def _count(self, tally: Tally, service: str, operation: str, answer: Any) -> None:
        if service == "sqs":
            tally.used["sqs_request"] += 1
        elif service == "events":
            tally.used["event"] += 1
        elif service == "s3" and operation not in S3_FREE:
            tally.used["s3_write" if operation in S3_WRITES else "s3_read"] += 1
        elif operation == "GetItem":
            tally.used["read_unit"] += to_read(size_of(answer.get("Item", {})))
        elif operation == "Query":
            tally.used["read_unit"] += to_read(sum(map(size_of, answer["Items"])))

    def _changes(
        self, client: Any, operation: str, params: dict[str, Any]
    ) -> list[tuple[Item | None, Item | None, int]]:
        """Return what a write is about to change: before, after, and 2 where it is in a transaction."""
        writes: list[dict[str, Any]] = []
        if operation == "TransactWriteItems":
            writes = [next(iter(write.values())) for write in params["TransactItems"]]
        elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
            writes = [params]
        factor = 2 if operation == "TransactWriteItems" else 1
        return [self._change(client, write, factor) for write in writes]

    def _change(self, client: Any, write: dict[str, Any], factor: int) -> tuple[Item | None, Item | None, int]:
        new: Item | None = write.get("Item")
        key = write.get("Key") or {name: new[name] for name in ("pk", "sk") if new}
        got = self._real(client, "GetItem", {"TableName": write["TableName"], "Key": key, "ConsistentRead": True})
        before = got.get("Item")
        if "UpdateExpression" in write:  # a counter: an item of some hundred bytes, in no index
            return before, before or key, factor
        return before, new, factor
