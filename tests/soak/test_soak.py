"""The soak's mix is the same for a seed, its gauge sees what grows, and its report would not call that well."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.ledger import Verdict
from tests.soak.gauge import measure
from tests.soak.mix import arrivals
from tests.soak.report import MORE_MEMORY, Report

SAMPLE = Path("sample.ogg")
WELL = Report(rows=[], verdicts=[Verdict("job", "completed")], memory={"worker1": (700.0, 710.0)}, left=(), deaths=0)


def test_what_comes_in_is_the_same_for_a_seed(tmp_path: Path) -> None:
    def first(seed: int) -> list[object]:
        return list(islice(arrivals(tmp_path, SAMPLE, seed), 200))

    assert first(1) == first(1) != first(2)


def test_the_corpus_comes_by_its_shares_and_nothing_of_ten_hours(corpus: Path) -> None:
    came = list(islice(arrivals(corpus, SAMPLE, 1), 2000))
    folders = [arrival.clip.parent.name for arrival in came]
    assert folders.count("speech") > 1200
    assert {"long", "dialogue", "awkward", "formats"} <= set(folders)
    assert not any("bomb" in arrival.clip.name for arrival in came)
    assert 0 < sum(arrival.cancelled for arrival in came) < sum(arrival.dropped for arrival in came)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells of processes so")
def test_children_open_files_and_what_they_leave_are_counted(tmp_path: Path) -> None:
    before = measure("w", os.getpid(), tmp_path, 0.0)
    with (tmp_path / "left").open("w"), subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE):
        during = measure("w", os.getpid(), tmp_path, 1.0)
    assert before is not None
    assert during is not None
    assert during.processes == before.processes + 1
    assert during.files > before.files
    assert during.temporary == 1
    assert during.memory > 10
    assert measure("w", 2**22 + 1, tmp_path, 2.0) is None


def test_a_good_hour() -> None:
    assert WELL.good
    assert WELL.last_line() == "soak: 1 jobs, 0 minutes of audio, +10 MB, 0 left behind, 0 lost, 0 doubled"


@pytest.mark.parametrize(
    "bad",
    [
        replace(WELL, memory={"worker1": (700.0, 700.0), "worker2": (700.0, 701.0 + MORE_MEMORY)}),
        replace(WELL, left=("1 processes of worker1",)),
        replace(WELL, deaths=1),
        replace(WELL, verdicts=[Verdict("job", "queued", lost="it is still queued")]),
        replace(WELL, verdicts=[Verdict("job", "completed", doubled="it ended 2 times")]),
        replace(WELL, verdicts=[]),
    ],
)
def test_what_is_not_well_is_not_called_so(bad: Report) -> None:
    assert not bad.good
