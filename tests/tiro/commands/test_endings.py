"""Without a transcript the command says why, and a script learns by its status what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fake_api import FakeApi, serve
from tests.tiro.shell import tiro
from tiro.cli import Exit, main
from tiro.errors import InternalError, NotAudio

Captured = pytest.CaptureFixture[str]


def test_a_failed_job(api: FakeApi, recording: str) -> None:
    api.error = NotAudio("This is a text file.")
    done = tiro("transcribe", recording)
    assert (done.returncode, done.stdout) == (1, b"")
    said = "tiro: The file is not audio or video that can be read: This is a text file. [not_audio]"
    assert done.stderr.decode().splitlines()[-1] == said


def test_a_failure_that_may_pass_says_so(api: FakeApi, recording: str, capfd: Captured) -> None:
    api.error = InternalError()
    assert main(["transcribe", recording]) == Exit.FAILED
    assert capfd.readouterr().err.endswith("tiro: this may pass: try the same command again in a while\n")


def test_an_empty_file(recording: str, capfd: Captured) -> None:
    Path(recording).write_bytes(b"")
    assert main(["transcribe", recording]) == Exit.FAILED
    assert "[media_empty]" in capfd.readouterr().err


def test_a_wrong_key(recording: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.setenv("TIRO_API_KEY", "tiro_wrong")
    assert main(["transcribe", recording]) == Exit.UNREACHABLE
    assert "tiro: The API key is missing or not valid" in capfd.readouterr().err


def test_nobody_there(recording: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(FakeApi()) as gone:
        pass
    monkeypatch.setenv("TIRO_API_URL", gone.url)
    done = tiro("transcribe", recording)
    assert done.returncode == Exit.UNREACHABLE
    assert re.search(r"tiro: Tiro cannot be reached: http://127\.0\.0\.1:\d+ .* \[unreachable\]", done.stderr.decode())


def test_no_address(recording: str, monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.delenv("TIRO_API_URL")
    monkeypatch.delenv("TIRO_API_KEY")
    assert main(["transcribe", recording]) == Exit.UNREACHABLE
    assert "TIRO_API_URL and TIRO_API_KEY are not set. Set them: whoever runs the stack" in capfd.readouterr().err


@pytest.mark.parametrize("status", [500, 403, 200])
def test_an_answer_that_is_not_tiro_s(api: FakeApi, recording: str, status: int) -> None:
    api.fail("POST", status)
    assert main(["transcribe", recording]) == Exit.UNREACHABLE


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nothing.mp3"], "tiro: nothing.mp3: No such file or directory\n"),
        (["interview.mp3", "-o", "nowhere/out.txt"], "no such directory to write to"),
        (["interview.mp3", "-o", "."], "tiro: .: Is a directory\n"),
    ],
)
def test_a_file_that_will_not_do(argv: list[str], said: str, recording: str, api: FakeApi, capfd: Captured) -> None:
    assert main(["transcribe", *argv]) == Exit.FILE
    assert said in capfd.readouterr().err
    assert not api.asked


def test_a_server_cannot_move_the_cursor(api: FakeApi, recording: str, capfd: Captured) -> None:
    api.error = NotAudio("\x1b[2J\x07\r\n")
    assert main(["transcribe", recording]) == Exit.FAILED
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", capfd.readouterr().err)
