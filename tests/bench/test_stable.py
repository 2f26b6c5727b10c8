"""A peer that cannot hear a recording says so, and is there for the next."""

from __future__ import annotations

from pathlib import Path

from tests.bench.stable import measure


def hear(path: Path) -> str:
    if path.suffix == ".raw":
        raise IndexError("tuple index out of range")
    return "Tiro was the scribe of Cicero."


def test_what_is_heard_is_timed() -> None:
    lap = measure(hear, Path("sample.ogg"))
    assert lap.keys() == {"text", "wall", "cpu"}
    assert lap["text"] == "Tiro was the scribe of Cicero."


def test_what_cannot_be_heard_is_an_answer_too() -> None:
    assert measure(hear, Path("goforward.raw")) == {"error": "IndexError('tuple index out of range')"}
