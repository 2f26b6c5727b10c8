"""The measure itself: words are compared fairly, and what is not expected is said."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.quality import check, compare_with_accepted, count_errors, normalise, report, spell
from tests.regression import Result, read, write

RESULT = Result("a.mp3", "awkward", "en", 10.0, 1.0, text="one two three", words=3, wrong=0, first_start=1.0)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (42, "forty two"),
        (80, "eighty"),
        (300, "three hundred"),
        (1813, "eighteen thirteen"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (2000, "two thousand"),
        (2_500_001, "two million five hundred thousand one"),
    ],
)
def test_numbers_are_spelled(number: int, words: str) -> None:
    assert spell(number) == words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Don’t — STOP!", "en", "dont stop"),
        ("In 1813, it cost 1,200.", "en", "in eighteen thirteen it cost twelve hundred"),
        ("Élan vital…", "fr", "élan vital"),
        ("你好，世界！", "zh", "你好世界"),
    ],
)
def test_text_is_normalised(text: str, language: str, words: str) -> None:
    assert normalise(text, language) == words


def test_errors_are_counted_in_words_or_characters() -> None:
    assert count_errors("one two three", "One, too three four.", "en") == (3, 2)
    assert count_errors("你好世界", "你好，世间", "zh") == (4, 1)
    assert count_errors("one two", "", "en") == (2, 2)


@pytest.mark.parametrize(
    ("rules", "changes", "complaint"),
    [
        ({"outcome": "text"}, {}, None),
        ({"outcome": "text"}, {"error": "not_audio", "text": ""}, "error 'not_audio', not text"),
        ({"outcome": "empty"}, {}, "text 'one two three', not empty"),
        ({"outcome": "empty_or_error"}, {"text": ""}, None),
        ({"outcome": "text", "max_wer": 0.2}, {"wrong": 1}, "wer 0.33"),
        ({"outcome": "any", "max_words": 2}, {}, "3 words"),
        ({"outcome": "text", "first_start_min": 5}, {}, "begins at 1.0 s"),
        ({"outcome": "text", "max_duration": 5}, {}, "10.0 s long"),
        ({"outcome": "any", "max_rss_mb": 50}, {}, "100 MB"),
    ],
)
def test_what_is_not_expected_is_said(rules: dict[str, Any], changes: dict[str, Any], complaint: str | None) -> None:
    line = {"check": rules, "container": "mp3", "text": "one two three"}
    found = check(line, dataclasses.replace(RESULT, **changes), 100.0)
    assert (complaint in found[0]) if complaint else found == []


def test_speech_with_a_reference_is_expected_to_have_text() -> None:
    silent = dataclasses.replace(RESULT, text="")
    assert check({"container": "mp3", "text": "one"}, silent, 1.0)
    assert not check({"container": "mp3", "text": None}, silent, 1.0)


def test_the_last_line_is_the_verdict() -> None:
    good = dataclasses.replace(RESULT, category="speech", wrong=1)
    bad = dataclasses.replace(good, unexpected=["ended in empty"])
    for results, status, verdict in (
        ([good], 0, "1 files, 33.33 % wer, 0"),
        ([good, bad], 1, "2 files, 33.33 % wer, 1"),
    ):
        console = Console(width=120)
        with console.capture() as printed:
            assert report(console, results) == status
        assert printed.get().splitlines()[-1] == f"quality: {verdict} unexpected"


@pytest.mark.parametrize(
    ("cpu", "wrong", "status", "says"),
    [
        ("here", 8, 0, ["comparison: text by text", "regression: 1 files compared, 0"]),
        ("here", 9, 1, ["comparison: text by text", "regression: 1 files compared, 1"]),
        ("elsewhere", 9, 0, ["comparison: within a band", "regression: 1 files compared, 0"]),
        ("elsewhere", 99, 1, ["comparison: within a band", "regression: 1 files compared, 2"]),
    ],
)
def test_the_limits_are_those_of_the_kind_of_cpu(
    tmp_path: Path, cpu: str, wrong: int, status: int, says: list[str]
) -> None:
    before = dataclasses.replace(RESULT, category="speech", words=600, wrong=6)
    write(tmp_path / "kept.jsonl", [before], "here")
    console = Console(width=120)
    with console.capture() as printed:
        now = [dataclasses.replace(before, wrong=wrong)]
        assert compare_with_accepted(console, tmp_path / "kept.jsonl", now, cpu, accept=False) == status
    lines = printed.get().splitlines()
    assert lines[0].startswith(says[0])
    assert lines[-1] == f"{says[1]} worse than they may be"


def test_results_of_one_file_are_not_accepted_beside_those_of_another_cpu(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    write(kept, [RESULT, dataclasses.replace(RESULT, path="b.mp3")], "here")
    console = Console(width=120)
    with console.capture() as printed:
        assert compare_with_accepted(console, kept, [RESULT], "elsewhere", accept=True) == 1
        assert compare_with_accepted(console, kept, [RESULT], "here", accept=True) == 0
    assert "not kept: kept.jsonl holds results of another kind of CPU (here; here elsewhere)." in printed.get()
    assert read(kept).cpu == "here"
