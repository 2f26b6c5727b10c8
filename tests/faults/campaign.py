"""One day of the campaign: jobs come in, workers work, the plan goes wrong, and at last everybody may finish."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.field import Field, Speech
from tests.faults.lane import Lane
from tests.faults.ledger import Injected, Seen, Told, Verdict, judge
from tests.faults.plan import Fault, LaneFault, WorldFault
from tests.faults.proxy import CallFault

PATIENCE_SECONDS = 12.0
"""A fault that found nothing to happen to in so long makes room for the next, and is not counted."""

OUTSTANDING = 5
"""Jobs that are under way at once."""


@dataclass(frozen=True)
class Size:
    faults: int
    jobs: int
    seed: int
    long: float = 0.0  # the share of jobs whose recording is longer than a clip
    settle_seconds: float = 300.0  # that the last jobs may take when nothing goes wrong any more
    limit_seconds: float = 2700.0  # after which no more jobs come, nor faults


@dataclass
class Day:
    """Run it once; then look at what was injected, what the workers heard, and the verdicts."""

    ground: Field
    lanes: Sequence[Lane]
    speech: Speech
    plan: list[Fault]
    size: Size
    told: Told
    say: Callable[[int, int, str], None]  # faults, jobs, what happens
    injected: list[Injected] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    unmet: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.size.seed)  # noqa: S311
        self._armed: dict[str, tuple[Fault, float, str | None]] = {}
        self._undo: dict[str, float] = {}  # lane -> when its clock and disk are well again
        self._began = time.monotonic()
        self._seen_at = 0.0
        self._open: set[str] = set()

    def run(self) -> None:
        while not self._full():
            self._submit()
            for lane in self.lanes:
                self._tend(lane)
            time.sleep(0.03)
        self._settle()
        self._judge()

    def _full(self) -> bool:
        over = time.monotonic() > self._began + self.size.limit_seconds
        return over or (len(self.injected) >= self.size.faults and self._jobs() >= self.size.jobs)

    def _jobs(self) -> int:
        return len(self.ground.submitted) + len(self.ground.dropped)

    # ------------------------------------------------------------ jobs come in

    def _submit(self) -> None:
        now = time.monotonic()
        if now < self._seen_at + 0.5:
            return
        self._seen_at = now
        self._open = self._still_open()
        missing = OUTSTANDING - len(self._open)
        for _ in range(missing):
            with _trouble_is_ours():
                self._submit_one()

    def _submit_one(self) -> None:
        long = self._dice.random() < self.size.long
        clip = self._dice.choice((long and self.speech.recordings) or self.speech.clips)
        if self._dice.random() < 0.3:
            self.ground.drop(clip, self._jobs())
        else:
            self.ground.upload(clip)

    def _still_open(self) -> set[str]:
        with _trouble_is_ours():
            jobs = self.ground.jobs()
            known = {job.drop.key for job in jobs if job.drop}
            late = {key for key in self.ground.dropped if key not in known}
            return {job.id for job in jobs if not job.status.terminal} | late
        return self._open

    # ------------------------------------------------------------ things go wrong

    def _tend(self, lane: Lane) -> None:
        lane.tend()
        if lane.name in self._undo and time.monotonic() > self._undo[lane.name]:
            lane.set_clock(0.0)
            lane.fill_disk(False)
            del self._undo[lane.name]
        if lane.name in self._armed:
            self._look(lane)
        elif lane.ready and self.plan and self._due():
            self._arm(lane, self.plan.pop())

    def _due(self) -> bool:
        """Whether it is time for another fault: they come evenly over the jobs, or a long one would meet them all."""
        so_far = len(self.injected) + len(self._armed)
        return so_far < min(1.0, self._jobs() / self.size.jobs) * self.size.faults

    def _arm(self, lane: Lane, fault: Fault) -> None:
        self._armed[lane.name] = fault, time.monotonic(), lane.job
        if isinstance(fault, CallFault):
            lane.proxy.arm(fault)

    def _look(self, lane: Lane) -> None:
        """See whether what is armed has happened, or do it when there is something for it to happen to."""
        fault, since, job = self._armed[lane.name]
        job = lane.job or job
        self._armed[lane.name] = fault, since, job
        happened: bool | str | None
        if isinstance(fault, CallFault):
            happened = lane.proxy.fired is not None
        elif isinstance(fault, LaneFault):
            happened = lane.busy and self._do_to(lane, fault)
        else:
            happened = self._do(fault)
        if happened:
            self._note(fault.kind, happened if isinstance(happened, str) else job)
            del self._armed[lane.name]
        elif time.monotonic() > since + PATIENCE_SECONDS:
            lane.proxy.arm(None)
            self.unmet += 1
            del self._armed[lane.name]

    def _note(self, kind: str, job: str | None) -> None:
        self.injected.append(Injected(kind, job))
        self.say(len(self.injected), self._jobs(), kind)

    def _do_to(self, lane: Lane, fault: LaneFault) -> bool:
        match fault.action:
            case "pause":
                lane.pause(fault.value)
            case "clock":
                lane.set_clock(fault.value)
                self._undo[lane.name] = time.monotonic() + 10.0
            case "disk":
                lane.fill_disk(True)
                self._undo[lane.name] = time.monotonic() + 5.0
        return True

    def _do(self, fault: WorldFault) -> bool | str | None:
        """Return the job that it happened to, or True for all; None when there is nothing for it to happen to."""
        with _trouble_is_ours():
            match fault.action:
                case "restart":
                    self._restart()
                    return True
                case "lose_message":
                    return self.ground.lose_message()
                case "duplicate_event":
                    return self._tell_again()
                case _:
                    return self._to_a_job(fault.action)
        return None

    def _to_a_job(self, action: str) -> str | None:
        open_jobs = [job for job in self.ground.jobs() if job.generation and not job.status.terminal]
        if not open_jobs:
            return None
        job = self._dice.choice(open_jobs)
        if action == "cancel":
            self.ground.cancel(job.id)
        else:
            age = {"duplicate_message": 0, "old_message": -1, "early_message": 1}[action]
            self.ground.send(job.id, job.generation + age)
        return job.id

    def _restart(self) -> None:
        """Stop the emulator and start it, and let workers in again when its stream is heard.

        AWS keeps a stream's records for a day; the emulator forgets those that nobody has read yet. So nothing may
        come to its end between what was told and what will be.
        """
        for lane in self.lanes:
            lane.proxy.closed = True
        _wait_until(self._all_told, 10.0)
        self.ground.restart()
        probe = ""

        def heard() -> bool:
            nonlocal probe
            with _trouble_is_ours():
                probe = self.ground.probe()
            return _wait_until(lambda: probe in self.told.ends, 5.0)

        _wait_until(heard, 60.0)
        for lane in self.lanes:
            lane.proxy.closed = False

    def _tell_again(self) -> str | None:
        uploaded = list(self.ground.submitted)[-5:]
        if not uploaded:
            return None
        job_id = self._dice.choice(uploaded)
        self.ground.tell_again(f"uploads/me/{job_id}")
        return job_id

    # ------------------------------------------------------------ the evening

    def _settle(self) -> None:
        """Nothing goes wrong any more: whoever can go on must come to an end."""
        for lane in self.lanes:
            lane.proxy.arm(None)
            lane.set_clock(0.0)
            lane.fill_disk(False)
        deadline, reap_at = time.monotonic() + self.size.settle_seconds, 0.0
        while time.monotonic() < deadline:
            for lane in self.lanes:
                lane.tend()
            with _trouble_is_ours():
                if time.monotonic() > reap_at:
                    self.ground.reap()
                    reap_at = time.monotonic() + 3.0
                left = self._still_open()
                self.say(len(self.injected), self._jobs(), f"settling, {len(left)} left")
                if not left and self._all_told():
                    return
            time.sleep(0.5)

    def _all_told(self) -> bool:
        ours = [
            j
            for j in self.ground.jobs()
            if j.id in self.ground.submitted or (j.drop and j.drop.key in self.ground.dropped)
        ]
        return all(job.id in self.told.ends for job in ours if job.status.terminal)

    def _judge(self) -> None:
        seen = Seen.of(self.ground.items(), frozenset(self.ground.stored()), self.told)
        self.verdicts = judge(seen, submitted=list(self.ground.submitted), dropped=list(self.ground.dropped))


def _wait_until(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with _trouble_is_ours():
            if done():
                return True
        time.sleep(0.2)
    return False


@contextmanager
def _trouble_is_ours() -> Iterator[None]:
    """The emulator may be down right now: what the campaign itself cannot do then, it does later."""
    try:
        yield
    except (ClientError, BotoCoreError, httpx.HTTPError):
        time.sleep(0.2)


@contextmanager
def receiver(told: Told) -> Iterator[str]:
    """Somebody who wants to hear of every end. Yield their address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.hear(self.headers["webhook-id"], self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
