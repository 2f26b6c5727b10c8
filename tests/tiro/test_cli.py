"""The command line itself: what it takes, what it says of itself, and how little that costs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.fake_api import FakeApi
from tests.tiro.shell import environment, tiro
from tiro import __version__
from tiro.cli import EPILOG, Exit, main
from tiro.formats import FORMATS

Captured = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("shell")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "required: COMMAND"),
        (["transcribe"], "required: SOURCE"),
        (["transcribe", "x", "--format", "doc"], "invalid choice: 'doc'"),
        (["transcribe", "interview.mp3", "--language", "klingon"], "'klingon' is not a language Tiro knows"),
        (["transcribe", "s3://nothing"], "an object is named s3://bucket/key"),
        (["keys", "create"], "required: --owner"),
        (["keys", "create", "--owner", "ada", "--scope", "all"], "invalid choice: 'all'"),
        (["keys", "create", "--owner", "ada", "--expires-in", "soon"], "'soon' is not a time such as 90d"),
    ],
)
def test_a_wrong_command_line(argv: list[str], said: str, recording: str, api: FakeApi) -> None:
    done = tiro(*argv)
    assert done.returncode == Exit.USAGE
    assert said in done.stderr.decode()
    assert not api.asked


def test_help_says_every_exit_status(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    assert EPILOG in capsys.readouterr().out
    assert {int(number) for number in re.findall(r"^  (\d+) ", EPILOG, re.MULTILINE)} == set(Exit)


def test_help_knows_every_format(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(["transcribe", "--help"])
    (choices,) = re.findall(r"--format \{(.*?)\}\n", capsys.readouterr().out)
    assert choices.split(",") == list(FORMATS)


def test_version() -> None:
    done = tiro("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"tiro {__version__}\n")


def test_help_imports_nothing_slow() -> None:
    code = "import sys, tiro.cli; print(*{'httpx', 'pydantic', 'rich', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), timeout=60)
    assert (done.returncode, done.stdout) == (0, b"\n")
