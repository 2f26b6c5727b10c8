"""The rig that counts unreadable cues, on transcripts of NASA's Apollo 11 and of a crosstalk of J. F. Kennedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cues_report import judge, main
from tests.factories import make_segment, make_transcript
from tests.tiro.test_formats import untimed
from tiro.formats.cues import Cue, cues
from tiro.transcript import Segment, Transcript

FOLDER = Path(__file__).parent / "golden" / "transcripts"


def cue(text: str, start: int, end: int) -> Cue:
    return Cue(start, end, (text,))


def test_no_cue_of_real_speech_is_outside_of_the_guide_without_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(FOLDER), "--verbose"]) == 0
    out = capsys.readouterr().out
    assert "NO REASON" not in out
    assert "transcripts/." in out


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_every_cue_of_real_speech_is_judged(path: Path) -> None:
    transcript = Transcript.model_validate_json(path.read_text(encoding="utf-8"))
    verdicts = judge(transcript)
    assert len(verdicts) == len(cues(transcript))
    assert not any(verdict.short for verdict in verdicts)


SAID = (untimed("Yes.", start=1.0, end=1.2), untimed("And so my fellow Americans,", start=5.0, end=7.0))


@pytest.mark.parametrize(
    ("found", "outside"),
    [
        ([cue("Yes.", 1_000, 1_834), cue("And so my fellow Americans,", 5_000, 7_000)], []),
        ([cue("Yes.", 1_000, 1_200), cue("And so my fellow Americans,", 5_000, 7_000)], ["Yes."]),
        (
            [cue("Yes.", 1_000, 1_834), cue("And so my fellow Americans,", 5_000, 6_000)],
            ["And so my fellow Americans,"],
        ),
    ],
)
def test_it_finds_what_could_be_read_and_is_not(found: list[Cue], outside: list[str]) -> None:
    verdicts = judge(make_transcript(*SAID), found)
    assert [verdict.text for verdict in verdicts if verdict.outside and not verdict.reason] == outside


def test_two_that_could_be_one_have_no_reason_to_flash() -> None:
    said = (untimed("Yes.", start=1.0, end=1.2), untimed("I do.", start=1.2, end=1.4), untimed("No.", start=9, end=10))
    flash = [cue("Yes.", 1_000, 1_200), cue("I do.", 1_200, 1_400), cue("No.", 9_000, 10_000)]
    assert [v.reason for v in judge(make_transcript(*said), flash)][:2] == [False, False]


def test_speech_that_is_too_fast_is_a_reason() -> None:
    fast: list[Segment] = [untimed("internationally " * 5, start=float(i), end=i + 1.0) for i in range(5)]
    verdicts = judge(make_transcript(*fast, duration=5.0))
    assert verdicts
    assert all(verdict.fast and verdict.reason for verdict in verdicts[:3])


def test_it_fails_where_too_many_have_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.json").write_text(make_transcript(make_segment("Yes.")).model_dump_json(), encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    monkeypatch.setattr("tests.cues_report.cues", lambda _: [cue("Yes.", 500, 900)])
    assert main([str(tmp_path)]) == 1
