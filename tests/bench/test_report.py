"""Figures of a race whose outcome is known."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from tests.bench.figures import Figures, Recording, is_long
from tests.bench.report import markdown, picture, summary
from tests.bench.stable import Lap, append, read

RECORDINGS = [
    Recording("long.mp3", "en", 300.0, "one two three four five six seven eight nine ten"),
    Recording("short.mp3", "de", 5.0, "eins zwei drei vier"),
]
WALLS = {"tiro": 10.0, "faster-whisper, beam 1": 15.0, "whisper": 20.0, "faster-whisper, batched, beam 1": 8.0}
HEARD = {
    "tiro": "one two three four five six seven eight nine",
    "faster-whisper, beam 1": "one two three four five six seven",
    "whisper": "one two three four five six seven eight nine ten",
    "faster-whisper, batched, beam 1": "",
}


def lap(peer: str, recording: Recording, number: int = 0, slower: float = 1.0) -> Lap:
    text = HEARD[peer] if recording.language == "en" else recording.text
    seconds = WALLS[peer] * slower if recording.language == "en" else 1.0
    return Lap(peer, recording.path, number, text, seconds, 2 * seconds, 0.5)


@pytest.fixture
def figures() -> Figures:
    laps = [lap(peer, recording) for peer in WALLS for recording in RECORDINGS]
    busy = [lap(peer, RECORDINGS[0], 1, slower=7.0) for peer in WALLS]
    return Figures(RECORDINGS, laps + busy)


def test_it_ends_in_one_line(figures: Figures) -> None:
    assert summary(figures) == (
        "bench: 1.50 of faster-whisper sequential, 2.00 of whisper, 0.80 of faster-whisper batched; "
        "wer 7.14 ours, 0.00 best sequential peer"
    )


def test_a_ratio_is_within_a_pair(figures: Figures) -> None:
    assert figures.ratios("whisper", where=is_long, clock="wall") == [2.0, 2.0]
    assert figures.best_sequential("en") == "whisper"


def test_what_was_heard_on_a_busy_machine_is_not_timed(figures: Figures) -> None:
    busy = [replace(lap, load=5.0, wall=99.0) if lap.lap else lap for lap in figures.laps]
    quiet = Figures(RECORDINGS, busy, quiet=3.0)
    assert quiet.ratios("whisper", where=is_long, clock="wall") == [2.0]
    assert quiet.speed("tiro", where=is_long) == 30.0
    assert quiet.by_lap("tiro") == figures.by_lap("tiro")
    assert "; 4 of 12 laps are not timed, since others wanted the machine then." in markdown(quiet, "a machine")


def test_the_interval_holds_the_difference(figures: Figures) -> None:
    low, high = figures.interval("faster-whisper, beam 1")
    assert low <= 100 * (1 - 3) / 14 <= high
    assert low == pytest.approx(-20)  # the long one alone
    assert high == 0  # the short one alone
    assert figures.interval("tiro") == (0, 0)


def test_table_and_picture_have_everybody(figures: Figures) -> None:
    table, image = markdown(figures, "a machine"), picture(figures)
    for peer in WALLS:
        assert f"| {peer} |" in table
        assert f">{peer}</text>" in image
    assert "| de | 4 | 0 | 0 | 0 | 0 |" in table
    assert "| en | 10 | 1 | 0 | 3 | 10 |" in table  # after ours, the better the earlier


def test_errors_are_means_over_laps() -> None:
    worse = replace(lap("tiro", RECORDINGS[0], 1), text="one two three four five six seven")
    figures = Figures(RECORDINGS, [*(lap("tiro", recording) for recording in RECORDINGS), worse])
    assert figures.errors("tiro").wrong == (1 + 3) / 2
    assert figures.errors("tiro").words == 14
    assert figures.by_lap("tiro") == [1]  # of the other lap one recording is missing
    both = Figures(RECORDINGS, [*figures.laps, lap("tiro", RECORDINGS[1], 1)])
    assert both.by_lap("tiro") == [1, 3]
    assert "| tiro | 14 | 2 | 1, 3 | 14.29 |" in markdown(both, "a machine")


def test_names_stand_over_no_point_and_no_name(figures: Figures) -> None:
    twin = [replace(lap, peer="whisper, too") for lap in figures.laps if lap.peer == "whisper"]
    image = picture(Figures(RECORDINGS, [*figures.laps, *twin]))
    points = [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', image)]
    names = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" fill="#[0-9a-f]{6}">([a-z][^<]*)<', image)
    boxes = [(float(x), float(y), float(x) + 6 * len(name)) for x, y, name in names]
    assert len(points) == len(boxes) == len(WALLS) + 1
    assert not any(left < x < right and y - 9 < down < y + 2 for left, y, right in boxes for x, down in points)
    assert not any(a[0] < b[2] and b[0] < a[2] and abs(a[1] - b[1]) < 12 for a, b in combinations(boxes, 2))


def test_what_was_measured_is_kept(tmp_path: Path, figures: Figures) -> None:
    file = tmp_path / "build" / "bench.jsonl"
    assert read(file) == []
    append(file, figures.laps[:2])
    append(file, figures.laps[2:])
    assert read(file) == figures.laps
