"""A house of one's own; and for the command, an API that it finds, a directory to be in, and a recording there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_api import KEY, FakeApi, serve
from tests.house import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serve(FakeApi(looks=1)) as api:
        yield api


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The directory in which the command is called."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def shell(api: FakeApi, here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that knows the API, and keeps what the command remembers to itself."""
    monkeypatch.setenv("TIRO_API_URL", f"{api.url}/prod")
    monkeypatch.setenv("TIRO_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(here)


@pytest.fixture
def recording(here: Path) -> str:
    path = here / "interview.mp3"
    path.write_bytes(b"speech" * 1000)
    return str(path)
