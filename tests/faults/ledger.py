"""What became of every job, by what the stack itself says afterwards."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tiro.job import Job, JobStatus

ENDS = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True)
class Injected:
    """One fault that happened, and the job that it happened to, where there was one."""

    kind: str
    job: str | None


@dataclass
class Told:
    """What a webhook receiver heard: which ends of which job, each under its own `webhook-id`."""

    ends: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    calls: int = 0

    def hear(self, webhook_id: str, body: bytes) -> None:
        said = json.loads(body)
        if str(said.get("type", "")).rpartition(".")[2] in ENDS:
            self.calls += 1
            self.ends[said["data"]["id"]].add(webhook_id)


@dataclass(frozen=True)
class Verdict:
    """A job's. `why` says what is wrong with it; nothing, as it should be."""

    job: str
    status: str
    code: str | None = None
    attempts: int = 0
    lost: str = ""
    doubled: str = ""


@dataclass(frozen=True)
class Judged:
    """What reports of every kind count of their verdicts, and by which they are well."""

    verdicts: Sequence[Verdict]

    @property
    def lost(self) -> int:
        return sum(bool(verdict.lost) for verdict in self.verdicts)

    @property
    def doubled(self) -> int:
        return sum(bool(verdict.doubled) for verdict in self.verdicts)

    @property
    def good(self) -> bool:
        return bool(self.verdicts) and not self.lost and not self.doubled


@dataclass(frozen=True)
class Seen:
    """All that can be looked at when the day is over."""

    jobs: Sequence[Job]
    events: Mapping[str, Sequence[str]]  # job -> the kinds of its ends in the outbox
    stored: frozenset[str]  # keys in the transcript bucket
    told: Told

    @classmethod
    def of(cls, items: Sequence[Mapping[str, Any]], stored: frozenset[str], told: Told) -> Seen:
        events: dict[str, list[str]] = defaultdict(list)
        for item in items:
            if item["sk"]["S"].startswith("event#"):
                event = json.loads(item["document"]["S"])
                if event["status"] in ENDS:
                    events[event["job_id"]].append(event["status"])
        jobs = [Job.model_validate_json(item["document"]["S"]) for item in items if item["sk"]["S"] == "job"]
        return cls(jobs, events, stored, told)


def judge(seen: Seen, *, submitted: Sequence[str], dropped: Sequence[str]) -> list[Verdict]:
    """Return a verdict for every job that somebody was promised, and for every one that nobody asked for."""
    by_id = {job.id: job for job in seen.jobs}
    by_key: dict[str, list[Job]] = defaultdict(list)
    for job in seen.jobs:
        if job.drop:
            by_key[job.drop.key].append(job)
    verdicts = [_judge(job_id, by_id.get(job_id), seen) for job_id in submitted]
    for key in dropped:
        jobs = by_key.get(key, [])
        verdicts += [_judge(key, jobs[0] if jobs else None, seen, twice=len(jobs) > 1)]
    return verdicts


def _judge(name: str, job: Job | None, seen: Seen, *, twice: bool = False) -> Verdict:
    if job is None:
        return Verdict(name, "gone", lost="there is no such job")
    ends, ids = seen.events.get(job.id, ()), seen.told.ends.get(job.id, ())
    lost = doubled = ""
    if not job.status.terminal:
        lost = f"it is still {job.status}"
    elif job.status is JobStatus.COMPLETED:
        lost = _missing(job, seen)
    elif job.status is JobStatus.FAILED and job.problem is None:
        lost = "it failed without a reason"
    if not lost and not ids:
        lost = "nobody was told of its end"
    if twice:
        doubled = "one write made two jobs"
    elif len(ends) > 1:
        doubled = f"it ended {len(ends)} times: {', '.join(ends)}"
    elif len(ids) > 1:
        doubled = f"{len(ids)} ends of it were told"
    code = job.problem.code if job.problem else None
    return Verdict(job.id, job.status.value, code, job.attempts, lost, doubled)


def _missing(job: Job, seen: Seen) -> str:
    assert job.transcript
    wanted = {job.transcript.key}
    if job.drop:
        wanted |= {f"{job.drop.key}.{extension}" for extension in ("json", "txt", "srt", "vtt")}
    return f"it is completed, and {sorted(wanted - seen.stored)[0]} is not there" if wanted - seen.stored else ""


@dataclass(frozen=True)
class Row:
    """One kind of fault, and what became of the jobs that it happened to."""

    kind: str
    injected: int
    jobs: int
    completed: int
    failed: int  # or cancelled
    lost: int
    doubled: int


def rows(injected: Sequence[Injected], verdicts: Sequence[Verdict]) -> list[Row]:
    by_job = {verdict.job: verdict for verdict in verdicts}
    count = Counter(one.kind for one in injected)
    touched: dict[str, set[str]] = defaultdict(set)
    for one in injected:
        if one.job in by_job:
            touched[one.kind].add(str(one.job))
    found = []
    for kind in sorted(count):
        those = Judged([by_job[job] for job in touched[kind]])
        completed = sum(v.status == "completed" for v in those.verdicts)
        ended = sum(v.status in ("failed", "cancelled") for v in those.verdicts)
        found.append(Row(kind, count[kind], len(those.verdicts), completed, ended, those.lost, those.doubled))
    return found
