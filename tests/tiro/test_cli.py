"""The command: what goes to standard output, what to standard error, and what a script is told."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest

from tests.factories import NOW, make_transcript
from tests.fake_api import KEY, FakeApi, body_of, serve
from tests.fakes_keys import FakeKeyStore
from tiro import __version__
from tiro.cli import EPILOG, Exit, main
from tiro.errors import InternalError, NotAudio
from tiro.formats import FORMATS
from tiro.key import ApiKey, Scope, hash_key
from tiro.key_commands import SCOPES

ROOT = Path(__file__).parents[2]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serve(FakeApi(looks=1)) as api:
        yield api


@pytest.fixture
def recording(tmp_path: Path) -> str:
    path = tmp_path / "interview.mp3"
    path.write_bytes(b"speech" * 1000)
    return str(path)


@pytest.fixture(autouse=True)
def _environment(api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIRO_API_URL", f"{api.url}/prod")
    monkeypatch.setenv("TIRO_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.parent / "state"))
    monkeypatch.chdir(tmp_path)


def tiro(*argv: str, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a shell does."""
    command = [sys.executable, "-m", "tiro.cli", *argv]
    return subprocess.run(command, stdin=stdin, capture_output=True, timeout=60, env=environment())


def environment() -> dict[str, str]:
    """As a user's shell has it: standard output is buffered, which is where a closed pipe bites twice."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}


# ---------------------------------------------------------------- a transcript


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


def test_a_file_is_written_and_its_ending_says_how(
    api: FakeApi, recording: str, tmp_path: Path, capfd: Captured
) -> None:
    assert main(["transcribe", recording, "-o", "out.SRT"]) == Exit.DONE
    assert capfd.readouterr().out == ""
    assert (tmp_path / "out.SRT").read_text() == FORMATS["srt"].render(api.transcript)
    assert main(["transcribe", recording, "-o", "out.srt", "--format", "vtt"]) == Exit.DONE
    assert (tmp_path / "out.srt").read_text() == FORMATS["vtt"].render(api.transcript)
    assert {path.name for path in tmp_path.iterdir()} == {"interview.mp3", "out.SRT", "out.srt"}


def test_an_old_file_stays_until_there_is_a_new_one(api: FakeApi, recording: str, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("old")
    with (tmp_path / "out.txt").open() as reader:
        api.error = NotAudio()
        assert main(["transcribe", recording, "-o", "out.txt"]) == Exit.FAILED
        assert (tmp_path / "out.txt").read_text() == "old"
        api.error = None
        assert main(["transcribe", recording, "-o", "out.txt"]) == Exit.DONE
        assert reader.read() == "old"  # replaced, and never half written
    assert (tmp_path / "out.txt").read_text() == "Dictate, and it is written.\n"


def test_a_link_is_written_through(recording: str, tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to("real.txt")
    assert main(["transcribe", recording, "-o", "link.txt"]) == Exit.DONE
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "Dictate, and it is written.\n"
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
def test_odd_names(api: FakeApi, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"speech")
    assert main(["transcribe", "--quiet", "--", name]) == Exit.DONE
    assert body_of(api.calls("POST")[0])["source"]["upload"]["filename"] == name


def test_standard_input(api: FakeApi, recording: str) -> None:
    with Path(recording).open("rb") as stream:
        assert tiro("transcribe", "-", stdin=stream).returncode == Exit.DONE
    assert list(api.objects.values()) == [Path(recording).read_bytes()]


def test_a_pipe_with_a_name(api: FakeApi, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["/bin/sh", "-c", "printf speech > pipe"], cwd=tmp_path):
        assert main(["transcribe", "pipe"]) == Exit.DONE
    assert list(api.objects.values()) == [b"speech"]


def test_the_sandbox_is_found(api: FakeApi, recording: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIRO_API_URL")
    monkeypatch.delenv("TIRO_API_KEY")
    (tmp_path / ".sandbox").mkdir()
    (tmp_path / ".sandbox" / "env").write_text(f"TIRO_API_URL={api.url}/prod\nTIRO_API_KEY={KEY}\n")
    assert main(["transcribe", recording]) == Exit.DONE


# ---------------------------------------------------------------- no transcript


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
    assert "Set TIRO_API_URL and TIRO_API_KEY, or start the sandbox" in capfd.readouterr().err


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


def test_interrupted(api: FakeApi, recording: str) -> None:
    api.looks = 1_000_000
    command = [sys.executable, "-m", "tiro.cli", "transcribe", recording]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stderr
        told = process.stderr.readline() + process.stderr.readline()
        assert b"queued" in told
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (Exit.INTERRUPTED, b"")
    assert b"no longer waiting; job 01kdy3q7ze0000000000000000 goes on" in err
    assert b"Traceback" not in err


def test_the_same_command_goes_on(api: FakeApi, recording: str, capfd: Captured) -> None:
    """Interrupted while its job is at work, it makes no second one; once there is a transcript, it does."""
    api.looks = 1_000_000
    command = [sys.executable, "-m", "tiro.cli", "transcribe", recording]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stderr
        assert b"queued" in process.stderr.readline() + process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
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


# ---------------------------------------------------------------- on a terminal


def test_a_terminal_shows_a_bar_that_goes_away(api: FakeApi, recording: str) -> None:
    api.looks = 2
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tiro.cli", "transcribe", recording]
    env = {**environment(), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (Exit.DONE, b"Dictate, and it is written.\n")
    assert "━" in shown.decode()
    assert re.search(rb"(queued|starting)", shown)
    assert shown.rstrip().endswith(b"\x1b[2K")  # the line is wiped


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


# ---------------------------------------------------------------- help, version, keys


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


def test_keys_without_the_extra(monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.delitem(sys.modules, "tiro.admin", raising=False)
    monkeypatch.delattr("tiro.admin", raising=False)
    for name in [name for name in sys.modules if name.startswith("tiro.adapters")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert main(["keys", "create", "--owner", "ada"]) == Exit.UNREACHABLE
    assert "pip install 'tiro[admin]'" in capfd.readouterr().err


def test_keys_without_a_table(capfd: Captured) -> None:
    assert main(["keys", "create", "--owner", "ada"]) == Exit.UNREACHABLE
    assert "Set TIRO_TABLE" in capfd.readouterr().err


def test_keys_for_an_owner_that_cannot_be(monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.setattr("tiro.admin.open_keys", lambda *_: FakeKeyStore())
    assert main(["keys", "create", "--owner", "Ada Lovelace"]) == Exit.USAGE
    assert "cannot be an owner's name" in capfd.readouterr().err


def test_the_key_alone_is_on_standard_output(monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    store = FakeKeyStore()
    monkeypatch.setattr("tiro.admin.open_keys", lambda *_: store)
    assert main(["keys", "create", "--owner", "ada", "--scope", "read", "--expires-in", "90d"]) == Exit.DONE
    told = capfd.readouterr()
    [(key_hash, known)] = store.keys.items()
    assert hash_key(told.out.strip()) == key_hash
    assert told.out.strip() not in told.err
    assert f"{known.id}, a key for ada, opens read, until" in told.err
    assert known.expires_at == known.created_at + timedelta(days=90)


def test_a_key_is_listed_without_being_shown_and_revoked_by_its_id(
    monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    store = FakeKeyStore()
    store.add("1", ApiKey(id="key_1", owner="ada", scopes=frozenset({Scope.READ}), created_at=NOW))
    store.add("2", ApiKey(id="key_2", owner="bob", created_at=NOW, expires_at=NOW))
    monkeypatch.setattr("tiro.admin.open_keys", lambda *_: store)
    assert main(["keys", "revoke", "key_1"]) == Exit.DONE
    assert "key_1 of ada is revoked" in capfd.readouterr().err
    assert main(["keys", "list"]) == Exit.DONE
    assert [line.split()[0::2][:2] + line.split()[-1:] for line in capfd.readouterr().out.splitlines()[1:]] == [
        ["key_1", "read", "revoked"],
        ["key_2", "read,transcribe,webhooks", "expired"],
    ]
    assert main(["keys", "list", "--owner", "bob"]) == Exit.DONE
    assert "ada" not in capfd.readouterr().out
    assert main(["keys", "revoke", "key_3"]) == Exit.FAILED
    assert "There is no such key" in capfd.readouterr().err


def test_the_command_line_knows_every_scope() -> None:
    assert set(SCOPES) == set(Scope)
