"""One recording and its transcript: where it is written, what is said meanwhile, and who goes on when interrupted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import make_transcript
from tests.fake_api import KEY, FakeApi, body_of
from tests.tiro.shell import environment, interrupted, on_terminal, tiro
from tiro.cli import Exit, main
from tiro.errors import NotAudio
from tiro.formats import FORMATS

Captured = pytest.CaptureFixture[str]


def test_the_transcript_alone_is_on_standard_output(api: FakeApi, recording: str) -> None:
    api.looks = 4
    done = tiro("transcribe", recording)
    assert (done.returncode, done.stdout) == (0, b"Dictate, and it is written.\n")
    assert done.stderr.decode().splitlines() == [
        "tiro: sent 6.0 kB",
        "tiro: job 01kdy3q7ze0000000000000000: queued",
        "tiro: job 01kdy3q7ze0000000000000000: starting",
        "tiro: job 01kdy3q7ze0000000000000000: transcribing",
        "tiro: job 01kdy3q7ze0000000000000000: completed",
    ]


def test_quiet_says_nothing(recording: str, capfd: Captured) -> None:
    assert main(["transcribe", "--quiet", recording]) == Exit.DONE
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_asked_for(api: FakeApi, recording: str, capfd: Captured, name: str) -> None:
    assert main(["transcribe", recording, "--format", name]) == Exit.DONE
    assert capfd.readouterr().out == FORMATS[name].render(api.transcript)


def test_a_file_is_written_and_its_ending_says_how(api: FakeApi, recording: str, here: Path, capfd: Captured) -> None:
    assert main(["transcribe", recording, "-o", "out.SRT"]) == Exit.DONE
    assert capfd.readouterr().out == ""
    assert (here / "out.SRT").read_text() == FORMATS["srt"].render(api.transcript)
    assert main(["transcribe", recording, "-o", "out.srt", "--format", "vtt"]) == Exit.DONE
    assert (here / "out.srt").read_text() == FORMATS["vtt"].render(api.transcript)
    assert {path.name for path in here.iterdir()} == {"interview.mp3", "out.SRT", "out.srt"}


def test_an_old_file_stays_until_there_is_a_new_one(api: FakeApi, recording: str, here: Path) -> None:
    (here / "out.txt").write_text("old")
    with (here / "out.txt").open() as reader:
        api.error = NotAudio()
        assert main(["transcribe", recording, "-o", "out.txt"]) == Exit.FAILED
        assert (here / "out.txt").read_text() == "old"
        api.error = None
        assert main(["transcribe", recording, "-o", "out.txt"]) == Exit.DONE
        assert reader.read() == "old"  # replaced, and never half written
    assert (here / "out.txt").read_text() == "Dictate, and it is written.\n"


def test_a_link_is_written_through(recording: str, here: Path) -> None:
    (here / "link.txt").symlink_to("real.txt")
    assert main(["transcribe", recording, "-o", "link.txt"]) == Exit.DONE
    assert (here / "link.txt").is_symlink()
    assert (here / "real.txt").read_text() == "Dictate, and it is written.\n"
    assert main(["transcribe", recording, "-o", os.devnull]) == Exit.DONE


def test_the_language_is_passed_on(api: FakeApi, recording: str) -> None:
    assert main(["transcribe", recording, "--language", "pt-BR"]) == Exit.DONE
    assert body_of(api.calls("POST")[0])["language"] == "pt"


def test_silence_is_a_success(api: FakeApi, recording: str, capfd: Captured) -> None:
    api.transcript = make_transcript(text="", segments=(), no_speech=True, language="zxx", duration=3.0)
    assert main(["transcribe", recording]) == Exit.DONE
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == "tiro: nobody speaks in this recording"


def test_an_object_in_s3(api: FakeApi) -> None:
    assert main(["transcribe", "s3://media/inbox/ada/a b.mp3"]) == Exit.DONE
    assert body_of(api.calls("POST")[0]) == {"source": {"s3": "s3://media/inbox/ada/a b.mp3"}}


@pytest.mark.parametrize("name", ["-o.mp3", "--", "a 'b' \"c\".mp3", "日本 é.mp3", " ", "[bold]x.mp3"])
def test_odd_names(api: FakeApi, here: Path, name: str) -> None:
    (here / name).write_bytes(b"speech")
    assert main(["transcribe", "--quiet", "--", name]) == Exit.DONE
    assert body_of(api.calls("POST")[0])["source"]["upload"]["filename"] == name


def test_standard_input(api: FakeApi, recording: str) -> None:
    with Path(recording).open("rb") as stream:
        assert tiro("transcribe", "-", stdin=stream).returncode == Exit.DONE
    assert list(api.objects.values()) == [Path(recording).read_bytes()]


def test_a_pipe_with_a_name(api: FakeApi, here: Path) -> None:
    os.mkfifo(here / "pipe")
    with subprocess.Popen(["/bin/sh", "-c", "printf speech > pipe"], cwd=here):
        assert main(["transcribe", "pipe"]) == Exit.DONE
    assert list(api.objects.values()) == [b"speech"]


def test_the_sandbox_is_found(api: FakeApi, recording: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIRO_API_URL")
    monkeypatch.delenv("TIRO_API_KEY")
    (here / ".sandbox").mkdir()
    (here / ".sandbox" / "env").write_text(f"TIRO_API_URL={api.url}/prod\nTIRO_API_KEY={KEY}\n")
    assert main(["transcribe", recording]) == Exit.DONE


def test_a_terminal_shows_a_bar_that_goes_away(api: FakeApi, recording: str) -> None:
    api.looks = 2
    done, shown = on_terminal("transcribe", recording)
    assert (done.returncode, done.stdout) == (Exit.DONE, b"Dictate, and it is written.\n")
    assert "━" in shown
    assert re.search(r"(queued|starting)", shown)
    assert shown.rstrip().endswith("\x1b[2K")  # the line is wiped


def test_interrupted(api: FakeApi, recording: str) -> None:
    api.looks = 1_000_000
    done, told = interrupted("transcribe", recording, lines=2)
    assert b"queued" in told
    assert (done.returncode, done.stdout) == (Exit.INTERRUPTED, b"")
    assert b"no longer waiting; job 01kdy3q7ze0000000000000000 goes on" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_same_command_goes_on(api: FakeApi, recording: str, capfd: Captured) -> None:
    """Interrupted while its job is at work, it makes no second one; once there is a transcript, it does."""
    api.looks = 1_000_000
    _, told = interrupted("transcribe", recording, lines=2)
    assert b"queued" in told
    api.looks = 1
    assert main(["transcribe", recording]) == Exit.DONE
    [job_id] = api.jobs
    assert f"going on with job {job_id}, which was begun before" in capfd.readouterr().err
    assert main(["transcribe", recording]) == Exit.DONE
    assert len(api.jobs) == 2


def test_nobody_reads_on(api: FakeApi, recording: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tiro.cli", "transcribe", recording, "--quiet"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment(), timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (Exit.PIPE_CLOSED, b"")
