"""What an engine is told."""

from __future__ import annotations

import pytest

from tiro.ports import DecodeOptions


@pytest.mark.parametrize(("task", "written"), [("transcribe", "zh"), ("translate", "en")])
def test_a_translation_is_written_in_english(task: str, written: str) -> None:
    assert DecodeOptions(language="zh", task=task).written == written
