"""Where the older version comes from; and, by `make rollover` alone since it takes minutes, the rollover itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.rollover import before
from tests.rollover.before import BASE, NoHistory, base, take


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits, and a file that differs between them."""
    monkeypatch.setattr(before, "ROOT", tmp_path)
    _git(tmp_path, "init", "--quiet")
    for text in ("old", "new"):
        (tmp_path / "file").write_text(text)
        _git(tmp_path, "add", "file")
        _git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "--quiet", "-m", text)
    return tmp_path


def _git(where: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(where), *arguments], check=True)


def test_an_older_version_is_its_commit_s_files(repository: Path) -> None:
    assert (take("HEAD^", repository / "old") / "file").read_text() == "old"


def test_the_last_release_is_what_is_updated_from(repository: Path) -> None:
    assert base() == BASE
    _git(repository, "tag", "v0.1.0", "HEAD^")
    assert base() == "v0.1.0"
    _git(repository, "tag", "v0.2.0")
    assert base() == "v0.1.0", "a release is not updated from itself"


def test_without_its_history_it_says_so(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoHistory, match="there is no commit v7 here"):
        take("v7", repository / "old")
    monkeypatch.setattr(before, "ROOT", tmp_path / "elsewhere")
    assert base() == BASE
    with pytest.raises(NoHistory):
        take(BASE, tmp_path / "old")
