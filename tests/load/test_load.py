"""The parts of the load rig; and that its report calls no bad load good. tests/sandbox/test_load.py is a short load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.state import State
from sandbox.up import SAMPLE
from tests.faults.ledger import Verdict
from tests.load.__main__ import Receiver
from tests.load.callers import Calls
from tests.load.clips import Clip, clips
from tests.load.report import MOST_SCRATCH, Report, function_processes

WELL = Report(
    verdicts=[Verdict("job", "completed")],
    callers=2,
    clips=1,
    statuses={"202": 1},
    server_errors=0,
    unexpected=[],
    wrong=[],
    forged=0,
    scratch=80.0,
    processes=6,
    slowest=1.0,
    slowest_after_refusal=0.1,
    took=9.0,
    killed=1,
)


def test_the_sample_is_a_clip_that_is_told_from_another() -> None:
    [clip] = clips(Path("nowhere"), SAMPLE)
    assert clip.heard_in(clip.reference.upper().replace("stylus", "stilus"))
    assert not clip.heard_in("However, due to the slow communication channels, styles in the west could lag behind.")
    assert not clip.heard_in("")


def test_the_corpus_has_short_clips(corpus: Path) -> None:
    found = clips(corpus, SAMPLE)
    assert len(found) > 10
    assert all(isinstance(clip, Clip) and clip.path.is_file() for clip in found)


def test_answers_are_counted() -> None:
    calls = Calls()
    for status in ("200", "202", "401", "429", "500", "502", "ReadTimeout"):
        calls.add(status, 0.5)
    assert calls.server_errors == 3


def test_a_false_signature_is_counted_and_not_believed() -> None:
    receiver = Receiver(secret="whsec_" + "A" * 32)
    headers = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    receiver.take(headers, b'{"type": "transcription.completed", "data": {"id": "job"}}')
    assert receiver.forged == 1
    assert not receiver.told.ends


def test_only_this_sandbox_s_functions_are_counted(tmp_path: Path) -> None:
    assert function_processes(State(tmp_path)) == {}


def test_a_load_that_went_well() -> None:
    assert WELL.good
    assert WELL.last_line() == "load: 2 callers, 1 clips, 0 lost, 0 doubled, 0 5xx, 80 MB scratch"


@pytest.mark.parametrize(
    "bad",
    [
        replace(WELL, server_errors=1),
        replace(WELL, unexpected=["GET x: 429"]),
        replace(WELL, wrong=["job"]),
        replace(WELL, forged=1),
        replace(WELL, scratch=MOST_SCRATCH),
        replace(WELL, verdicts=[Verdict("job", "completed", doubled="it ended 2 times")]),
        replace(WELL, verdicts=[Verdict("job", "failed", "not_audio")]),
        replace(WELL, clips=2),
        replace(WELL, killed=0),
    ],
)
def test_a_load_that_went_badly(bad: Report) -> None:
    assert not bad.good


def test_a_job_that_was_never_made_is_lost() -> None:
    assert "1 lost" in replace(WELL, clips=2).last_line()
