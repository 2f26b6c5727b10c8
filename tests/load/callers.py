"""Callers that each submit, upload, wait and read, as programs of many users do at the same time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.load.clips import Clip

WRONG_KEY = "tiro_" + "A" * 43
"""Of the right form, and never given out: the authorizer must look it up to refuse it."""

POLL_SECONDS = 2.0
"""Between two looks at a job, as the Python client's."""


@dataclass
class Calls:
    """Every answer that came: how many of each status, and the slowest. Any thread may add to it."""

    statuses: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)  # calls that were not answered as they should be
    slowest: float = 0.0  # seconds
    slowest_after_refusal: float = 0.0  # seconds, of calls right after a 401
    lock: Any = field(default_factory=threading.Lock)

    def add(self, status: str, seconds: float) -> None:
        with self.lock:
            self.statuses[status] += 1
            self.slowest = max(self.slowest, seconds)

    def object(self, what: str) -> None:
        with self.lock:
            self.unexpected.append(what)

    @property
    def server_errors(self) -> int:
        """How many answers were 5xx, or none at all."""
        return sum(count for status, count in self.statuses.items() if status[0] not in "1234")


@dataclass
class Callers:
    """`run` makes a job of each clip, and returns when every caller is done."""

    env: Mapping[str, str]
    clips: Sequence[Clip]  # one for each job
    patience: float  # seconds that a job may take
    calls: Calls = field(default_factory=Calls)
    submitted: list[str] = field(default_factory=list)  # ids of jobs
    completed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # ids of jobs whose transcript is not of their clip

    def run(self, at_once: int) -> None:
        """Let so many callers share the clips. Raises what a caller raised."""
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self._job, range(len(self.clips))))

    def _job(self, number: int) -> None:
        clip = self.clips[number]
        if number % 4 == 0:
            self.refuse()
        made = self._call("POST", "transcriptions", wanted=202, json={"source": {"upload": {"filename": "clip.ogg"}}})
        if made is None:
            return
        job = made.json()
        self.submitted.append(job["id"])
        upload = job["upload"]
        content = clip.path.read_bytes()
        self._call(upload["method"], upload["url"], wanted=200, headers=upload["headers"], content=content)
        self._follow(job["id"], clip, held=number % 2 == 0)

    def refuse(self) -> None:
        """Call with a wrong key, and note how long the next call takes."""
        self._call("GET", "transcriptions?limit=1", wanted=401, key=WRONG_KEY)
        began = time.monotonic()
        self._call("GET", "transcriptions?limit=1", wanted=200)
        with self.calls.lock:
            self.calls.slowest_after_refusal = max(self.calls.slowest_after_refusal, time.monotonic() - began)

    def _follow(self, job_id: str, clip: Clip, *, held: bool) -> None:
        """Look at a job until its end; `held` calls ask to be answered as soon as that has come."""
        deadline = time.monotonic() + self.patience
        headers = {"Prefer": "wait=20"} if held else {}
        while time.monotonic() < deadline:
            answer = self._call("GET", f"transcriptions/{job_id}", wanted=200, headers=headers)
            status = answer.json()["status"] if answer else ""
            if status == "completed":
                self.completed.append(job_id)
                text = self._call("GET", f"transcriptions/{job_id}/transcript?format=txt", wanted=200)
                if text is None or not clip.heard_in(text.text):
                    self.wrong.append(job_id)
                return
            if status in ("failed", "cancelled"):
                return
            time.sleep(POLL_SECONDS)

    def _call(self, method: str, path: str, *, wanted: int, key: str = "", **more: Any) -> httpx.Response | None:
        """Return the answer when it has the wanted status. A signed address takes no key."""
        headers, url = dict(more.pop("headers", {})), path
        if not path.startswith("http"):
            url = f"{self.env['TIRO_API_URL']}/v1/{path}"
            headers["Authorization"] = f"Bearer {key or self.env['TIRO_API_KEY']}"
        began = time.monotonic()
        try:
            # A connection for each call, as of callers that know nothing of each other.
            answer = httpx.request(method, url, headers=headers, timeout=300, **more)
        except httpx.HTTPError as error:
            self.calls.add(type(error).__name__, time.monotonic() - began)
            self.calls.object(f"{method} {path.partition('?')[0]}: {error!r}")
            return None
        self.calls.add(str(answer.status_code), time.monotonic() - began)
        if answer.status_code != wanted:
            self.calls.object(f"{method} {path.partition('?')[0]}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer


class Watch:
    """Measures something every other second in a thread of its own, and remembers the most."""

    def __init__(self, measure: Callable[[], float]) -> None:
        self._measure, self._over = measure, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.most = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.most = max(self.most, self._measure())

    def _run(self) -> None:
        while not self._over.wait(2.0):
            self.most = max(self.most, self._measure())
