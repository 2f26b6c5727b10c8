"""A fake API that the command finds, in a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_api import KEY, FakeApi, serve


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serve(FakeApi(looks=1)) as api:
        yield api


@pytest.fixture(autouse=True)
def _environment(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("TIRO_API_URL", f"{api.url}/prod")
    monkeypatch.setenv("TIRO_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def recordings() -> Path:
    """A folder of three recordings, and of what is none."""
    folder = Path("talks")
    (folder / "2019").mkdir(parents=True)
    for name in ("a.mp3", "a.wav", "2019/b.OGG", "notes.txt", ".hidden.mp3"):
        (folder / name).write_bytes(f"speech of {name}".encode())
    return folder
