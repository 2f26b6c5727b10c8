"""An update and its rollback with jobs under way: what one version promised, the other keeps."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.assembly import ROOT, Assembly, read_assembly
from sandbox.processes import Child
from sandbox.up import SAMPLE
from tests.faults.campaign import receiver
from tests.faults.ledger import Seen, Told, Verdict, judge
from tests.rollover.before import take
from tests.sandbox.ground import Ground, open_ground, synthesize
from tests.sandbox.stack import Stack, error_rate, eventually
from tiro.job import Job, JobStatus

SPEECH = SAMPLE.read_bytes()

ONE_IN_HAND = {"TIRO_JOBS_AT_ONCE": "1"}
"""So that at every step one is heard and others wait."""

TOLERANCE = 0.1
"""Word error rate; a transcript may differ by a word between two versions."""


@dataclass
class Story:
    """An owner's jobs, from one deployment to the next."""

    ground: Ground
    told: Told
    say: Callable[[str], None]
    stack: Stack | None = None
    worker: Child | None = None
    jobs: list[str] = field(default_factory=list)
    deployments: int = 0
    wrong: dict[str, str] = field(default_factory=dict)  # job -> what; empty, as it should be

    def last_line(self) -> str:
        return f"rollover: {len(self.jobs)} jobs, {self.deployments} deployments, {len(self.wrong)} lost or doubled"

    def turn(self, assembly: Assembly, tree: Path, what: str) -> Stack:
        """Deploy a version while a worker of the other has a job in hand; then put one of this version in its place."""
        if self.stack and self.worker:
            _wait_until_one_is_heard(self.stack)
        self.say(f"deploying {what}")
        with _held(self.worker):  # or it would have heard all before the stack is there
            place = self.ground.deploy(assembly)
        self.deployments += 1
        self.close()
        self.worker = self.ground.worker(f"worker{self.deployments}", tree, {**place.env, **ONE_IN_HAND})
        self.stack = Stack(place)
        return self.stack

    def close(self) -> None:
        """Ask the worker to stop, as a newer image has it, and leave the stack alone."""
        if self.worker:
            self.worker.stop()
        if self.stack:
            self.stack.__exit__()

    def submit(self, stack: Stack) -> dict[str, Any]:
        job = stack.submit({"upload": {}})
        self.jobs.append(job["id"])
        return job

    def send(self, stack: Stack, job: dict[str, Any]) -> None:
        """Send a job's recording, and see it queued: its message is of the version that is there."""
        stack.send(job, SPEECH).raise_for_status()
        eventually(lambda: stack.call("GET", f"transcriptions/{job['id']}").json()["status"] != "awaiting_media")

    def judge(self, stack: Stack) -> None:
        """Wait until every job has ended and was told of, and look at each as its owner and as the table has it."""

        def ended() -> bool:
            return all(job.status.terminal for job in _jobs(stack)) and set(self.told.ends) >= set(self.jobs)

        _patiently(ended)
        listed = {job["id"] for job in stack.call("GET", "transcriptions").json()["data"]}
        for verdict in verdicts(stack, self.told, self.jobs):
            if wrong := verdict.lost or verdict.doubled or self._unlike(stack, verdict.job, listed):
                self.wrong[verdict.job] = wrong

    def _unlike(self, stack: Stack, job_id: str, listed: set[str]) -> str:
        if job_id not in listed:
            return "it is not listed"
        answer = stack.call("GET", f"transcriptions/{job_id}/transcript?format=txt")
        if answer.status_code != 200 or error_rate(answer.text) > TOLERANCE:
            return f"its transcript is {answer.status_code}: {answer.text[:80]}"
        return ""


def tell(base: str, folder: Path, emulator: Path, say: Callable[[str], None]) -> Story:
    """Update from `base` to this tree, roll back, go forward again. Raises NoHistory, SandboxError."""
    tree = take(base, folder / "tree")
    say("synthesizing both")
    before, now = (read_assembly(synthesize(at, folder / name)) for name, at in (("before", tree), ("now", ROOT)))
    with ExitStack() as down:
        told = Told()
        address = down.enter_context(receiver(told))
        story = Story(down.enter_context(open_ground(folder / "state", emulator)), told, say)

        down.callback(story.close)

        stack = story.turn(before, tree, f"the older version, {base}")
        stack.call("POST", "webhooks", json={"url": address}).raise_for_status()
        promised = [story.submit(stack) for _ in range(2)]  # their recordings come when it has gone
        for _ in range(3):
            story.send(stack, story.submit(stack))

        stack = story.turn(now, ROOT, "this version")
        for job in promised:
            story.send(stack, job)

        stack = story.turn(before, tree, "the older version again")
        story.send(stack, story.submit(stack))

        story.judge(story.turn(now, ROOT, "this version again"))
    return story


@contextmanager
def _held(worker: Child | None) -> Iterator[None]:
    """Let a worker's time stand still: what it has in hand, it still has afterwards."""
    if worker:
        os.killpg(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if worker:
            os.killpg(worker.pid, signal.SIGCONT)


def _items(stack: Stack) -> list[dict[str, Any]]:
    pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.env["TIRO_TABLE"])
    return [item for page in pages for item in page["Items"]]


def _jobs(stack: Stack) -> list[Job]:
    return [Job.model_validate_json(i["document"]["S"]) for i in _items(stack) if i["sk"]["S"] == "job"]


def _wait_until_one_is_heard(stack: Stack) -> None:
    eventually(lambda: any(job.status is JobStatus.PROCESSING for job in _jobs(stack)))


def _patiently(look: Callable[[], bool], tries: int = 3) -> None:
    """Wait as long as several workers may take; what is not there then is for the judge to say."""
    for _ in range(tries):
        try:
            eventually(look)
        except AssertionError:
            continue
        return


def verdicts(stack: Stack, told: Told, jobs: list[str]) -> list[Verdict]:
    """Judge submitted jobs by the table, the transcript bucket and the webhook calls that came."""
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.transcripts)
    stored = frozenset(found["Key"] for page in pages for found in page.get("Contents", ()))
    return judge(Seen.of(_items(stack), stored, told), submitted=jobs, dropped=[])
