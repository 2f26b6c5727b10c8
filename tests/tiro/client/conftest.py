"""Both clients, a fake API, and a recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.awaited import awaited
from tests.fake_api import KEY, FakeApi, serve
from tiro.client import Client


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serve(FakeApi()) as api:
        yield api


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture(params=["blocking", "awaiting"])
def client(api: FakeApi, slept: list[float], request: pytest.FixtureRequest) -> Iterator[Client]:
    """Both clients, the one that awaits behind a front that blocks: what holds for one holds for the other."""
    url = f"{api.url}/prod/"
    if request.param == "blocking":
        with Client(url, KEY, sleep=slept.append) as client:
            yield client
    else:
        with awaited(url, slept) as client:
            yield client


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "interview.mp3"
    path.write_bytes(b"speech" * 100_000)
    return path
