"""Every command is called in the shell of tests/tiro/conftest.py, and may be given a folder of recordings."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _shell(shell: None) -> None:
    """Each test here has one."""


@pytest.fixture
def recordings(shell: None) -> Path:
    """A folder of three recordings, and of what is none."""
    folder = Path("talks")
    (folder / "2019").mkdir(parents=True)
    for name in ("a.mp3", "a.wav", "2019/b.OGG", "notes.txt", ".hidden.mp3"):
        (folder / name).write_bytes(f"speech of {name}".encode())
    return folder
