"""The shell's environment or the sandbox's, and never a mixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiro.environ import CALLERS, find_environ
from tiro.errors import NotConfigured

NEEDED = ["TIRO_API_URL", "TIRO_API_KEY"]
FILE = "# written by the sandbox\nTIRO_API_URL=http://127.0.0.1:4566/x?a=b\n\nTIRO_API_KEY=key\nAWS_REGION=us-east-1\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox" / "env").write_text(FILE)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    return below


def test_a_sandbox_above_is_found(directory: Path) -> None:
    found = find_environ(NEEDED, environ={}, directory=directory)
    assert found["TIRO_API_URL"] == "http://127.0.0.1:4566/x?a=b"
    assert found["AWS_REGION"] == "us-east-1"


def test_the_shell_comes_first(directory: Path) -> None:
    found = find_environ(NEEDED, environ={"TIRO_API_URL": "https://mine", "TIRO_API_KEY": " k\n"}, directory=directory)
    assert found == {"TIRO_API_URL": "https://mine", "TIRO_API_KEY": "k"}


def test_the_sandbox_s_key_goes_to_no_other_address(directory: Path) -> None:
    with pytest.raises(NotConfigured, match="TIRO_API_URL is set, but TIRO_API_KEY is not"):
        find_environ(NEEDED, environ={"TIRO_API_URL": "https://mine"}, directory=directory)


def test_without_either_it_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"TIRO_API_URL and TIRO_API_KEY are not set. Set them: whoever runs"):
        find_environ(NEEDED, environ={"TIRO_API_KEY": " "}, directory=tmp_path, otherwise=CALLERS)


def test_an_operator_is_sent_to_tiro_configure(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match=r"TIRO_TABLE is not set. Run `eval \"\$\(tiro configure"):
        find_environ(["TIRO_TABLE"], environ={}, directory=tmp_path)
    some = {"TIRO_TABLE": "jobs"}
    with pytest.raises(NotConfigured, match=r"is set, but TIRO_QUEUE_URL and TIRO_MEDIA_BUCKET are not. Run"):
        find_environ(["TIRO_TABLE", "TIRO_QUEUE_URL", "TIRO_MEDIA_BUCKET"], environ=some, directory=tmp_path)


def test_somebody_else_s_sandbox_is_not_trusted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = (directory.parents[1] / ".sandbox" / "env").stat().st_uid
    monkeypatch.setattr("os.getuid", lambda: owner + 1)
    if owner:  # root's own is trusted by everybody
        with pytest.raises(NotConfigured):
            find_environ(NEEDED, environ={}, directory=directory)
