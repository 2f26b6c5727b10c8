"""The guard against hearing worse: it lets through what is no worse, and says what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.regression import Result, changes, read, worse, write


def heard(
    path: str, wrong: int, *, language: str = "en", words: int = 200, text: str = "", **changes: object
) -> Result:
    result = Result(path, "speech", language, 10.0, 1.0, text=text or f"{wrong} wrong", words=words, wrong=wrong)
    for name, value in changes.items():
        setattr(result, name, value)
    return result


BEFORE = [heard("a", 4), heard("b", 10, language="fr", words=900), heard("c", 0, words=0, category="awkward")]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    write(tmp_path / "golden" / "quality.jsonl", BEFORE)
    return tmp_path / "golden" / "quality.jsonl"


def test_the_same_is_no_worse_and_no_change(kept: Path) -> None:
    assert worse(read(kept), BEFORE) == []
    assert changes(read(kept), BEFORE) == []


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ([heard("a", 6), BEFORE[1]], []),
        ([heard("a", 7), BEFORE[1]], ["en: 4 wrong before, 7 now; at most 2 more"]),
        ([heard("a", 0), heard("b", 14, language="fr", words=900)], ["fr: 10 wrong before, 14 now; at most 2 more"]),
        ([heard("a", 6)], ["all together: 2.00 % wrong before, 3.00 % now; at most 0.5 points more"]),
        (
            [heard("a", 0, error="engine_failed")],
            ["a was heard before, and now: failed with engine_failed, flags none"],
        ),
        ([heard("d", 99)], []),
        ([heard("c", 50, words=60, category="awkward")], []),
    ],
)
def test_what_is_worse_than_it_may_be_is_said(kept: Path, now: list[Result], says: list[str]) -> None:
    assert worse(read(kept), now) == says


def test_each_change_is_a_line(kept: Path) -> None:
    now = [heard("a", 5, text="Hello word"), heard("b", 10, language="fr", words=900, flags={"loop": 1}), heard("d", 1)]
    assert changes(read(kept), now) == [
        "worse    a: 4 of 200 wrong, flags none -> 5 of 200 wrong, flags none\n           Hello word",
        "other    b: 10 of 900 wrong, flags none -> 10 of 900 wrong, flags loop 1",
        "new      d: 1 of 200 wrong, flags none",
    ]


def test_what_was_not_heard_this_time_stays_as_it_is_kept(kept: Path) -> None:
    write(kept, [heard("a", 1)])
    assert [(each.path, each.wrong) for each in read(kept).values()] == [("a", 1), ("b", 10), ("c", 0)]


def test_nothing_kept_is_nothing_to_be_worse_than(tmp_path: Path) -> None:
    assert worse(read(tmp_path / "none.jsonl"), BEFORE) == []
