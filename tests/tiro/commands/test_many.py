"""Several recordings, and folders of them: each has a transcript of its own, or a reason why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake_api import FakeApi, body_of
from tests.tiro.shell import interrupted, on_terminal
from tiro.cli import Exit, main
from tiro.commands.many import plan
from tiro.errors import NotAudio

Captured = pytest.CaptureFixture[str]


def files(folder: str) -> set[str]:
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()}


def test_a_folder_keeps_its_structure(api: FakeApi, recordings: Path, capfd: Captured) -> None:
    assert main(["transcribe", "talks", "-o", "out", "--format", "srt", "--max-lines", "1"]) == Exit.DONE
    assert files("out") == {"a.mp3.srt", "a.wav.srt", "2019/b.srt"}
    assert Path("out/2019/b.srt").read_text().startswith("1\n00:00:00,500")
    told = capfd.readouterr()
    assert told.out == ""
    ends = [line.rpartition(" (")[0] for line in told.err.splitlines() if "(" in line]
    assert set(ends) == {
        "tiro: talks/a.mp3: out/a.mp3.srt, 0:03",
        "tiro: talks/a.wav: out/a.wav.srt, 0:03",
        "tiro: talks/2019/b.OGG: out/2019/b.srt, 0:03",
    }
    assert {asked.path.partition("?")[2] for asked in api.calls("GET") if "/transcript?" in asked.path} == {
        "format=srt&max_lines=1"
    }


def test_files_urls_and_objects_go_together(api: FakeApi, recordings: Path) -> None:
    assert main(["transcribe", "talks/a.mp3", "https://example.com/x/Talk%20one.mp3?sig=1", "s3://media/in/c.ogg"]) == 0
    assert files(".") >= {"a.txt", "Talk one.txt", "c.txt"}
    sources = [body_of(asked)["source"] for asked in api.calls("POST")]
    assert {"url": "https://example.com/x/Talk%20one.mp3?sig=1"} in sources
    assert {"s3": "s3://media/in/c.ogg"} in sources


def test_one_that_fails_leaves_the_others_alone(api: FakeApi, recordings: Path, capfd: Captured) -> None:
    Path("talks/a.mp3").write_bytes(b"")
    assert main(["transcribe", "talks", "talks/gone.mp3", "-o", "out", "--json"]) == Exit.FAILED
    told = capfd.readouterr()
    lines = {line["source"]: line for line in map(json.loads, told.out.splitlines())}
    assert lines["talks/a.mp3"]["problem"]["code"] == "media_empty"
    assert "No such file" in lines["talks/gone.mp3"]["error"]
    assert lines["talks/a.wav"]["output"] == "out/a.wav.txt"
    assert lines["talks/a.wav"]["job"]["status"] == "completed"
    assert "tiro: 2 of 4 recordings have no transcript" in told.err


def test_a_job_that_fails_says_why(api: FakeApi, recordings: Path, capfd: Captured) -> None:
    api.error = NotAudio("This is a text file.")
    assert main(["transcribe", "talks", "--quiet"]) == Exit.FAILED
    assert capfd.readouterr().err.splitlines()[0].endswith(": This is a text file. [not_audio]")


def test_what_would_be_refused_for_all_ends_it(
    api: FakeApi, recordings: Path, monkeypatch: pytest.MonkeyPatch, capfd: Captured
) -> None:
    monkeypatch.setenv("TIRO_API_KEY", "tiro_wrong")
    assert main(["transcribe", "talks", "-o", "out", "--at-once", "1"]) == Exit.UNREACHABLE
    assert len(api.calls("POST")) == 1
    assert "[unauthorized]" in capfd.readouterr().err


def test_what_has_its_transcript_is_left_out(api: FakeApi, recordings: Path) -> None:
    assert main(["transcribe", "talks", "-o", "out"]) == Exit.DONE
    Path("out/a.wav.txt").unlink()
    api.asked.clear()
    assert main(["transcribe", "talks", "-o", "out", "--skip-existing"]) == Exit.DONE
    assert len(api.calls("POST")) == 1
    assert main(["transcribe", "talks", "-o", "out", "--skip-existing"]) == Exit.DONE
    assert len(api.calls("POST")) == 1


def test_every_kind_of_recording_is_sent(api: FakeApi) -> None:
    kinds = "qta weba mpga wv ape tta w64 aifc gsm voc 3g2 awb asf rm dts vob m4r m4p mxf SPH g722".split()
    Path("all").mkdir()
    for kind in kinds:
        Path(f"all/{kind}.{kind}").write_bytes(b"speech")
    assert main(["transcribe", "all", "-o", "out"]) == Exit.DONE
    assert files("out") == {f"{kind}.txt" for kind in kinds}


def test_what_is_left_out_is_named_and_the_status_says_so(api: FakeApi, recordings: Path, capfd: Captured) -> None:
    for name in ("memo", "talk.vox", "2019/disk.xyz"):
        Path("talks", name).write_bytes(b"who knows")
    assert main(["transcribe", "talks", "-o", "out"]) == Exit.LEFT_OUT
    told = capfd.readouterr().err.splitlines()
    assert told[:3] == [
        "tiro: left out 2 files: talks/.hidden.mp3, talks/notes.txt",
        "tiro: left out, though they may be recordings, 3 files: talks/2019/disk.xyz, talks/memo, talks/talk.vox",
        "tiro: a file that is named by itself is sent whatever it is called",
    ]
    assert files("out") == {"a.mp3.txt", "a.wav.txt", "2019/b.txt"}
    assert main(["transcribe", "talks", "-o", "out", "--skip-existing"]) == Exit.LEFT_OUT


def test_text_and_pictures_beside_recordings_are_named_and_no_error(
    api: FakeApi, recordings: Path, capfd: Captured
) -> None:
    for number in range(12):
        Path(f"talks/z{number:02}.jpg").write_bytes(b"a picture")
    Path("talks/.git").mkdir()
    Path("talks/.git/config").write_bytes(b"not a recording")
    assert main(["transcribe", "talks", "-o", "out"]) == Exit.DONE
    said = capfd.readouterr().err.splitlines()[0]
    assert said.startswith("tiro: left out 15 files: talks/.git/config, talks/.hidden.mp3, talks/notes.txt, ")
    assert said.endswith("talks/z06.jpg and 5 more")


def test_a_failure_weighs_more_than_what_is_left_out(api: FakeApi, recordings: Path) -> None:
    Path("talks/memo").write_bytes(b"who knows")
    Path("talks/a.mp3").write_bytes(b"")
    assert main(["transcribe", "talks", "-o", "out"]) == Exit.FAILED


def test_a_file_that_is_named_is_sent_whatever_it_is_called(api: FakeApi, recordings: Path) -> None:
    Path("talks/memo.xyz").write_bytes(b"speech")
    assert main(["transcribe", "talks/memo.xyz", "talks/notes.txt", "-o", "out"]) == Exit.DONE
    assert files("out") == {"memo.txt", "notes.txt"}


def test_quiet_leaves_it_to_the_status(api: FakeApi, recordings: Path, capfd: Captured) -> None:
    Path("talks/memo").write_bytes(b"who knows")
    assert main(["transcribe", "talks", "-o", "out", "--quiet"]) == Exit.LEFT_OUT
    assert capfd.readouterr().err == ""


def test_a_folder_without_recordings_says_what_is_in_it(api: FakeApi, capfd: Captured) -> None:
    Path("scans").mkdir()
    Path("scans/memo").write_bytes(b"who knows")
    assert main(["transcribe", "scans"]) == Exit.USAGE
    assert "may be recordings, 1 file: scans/memo" in capfd.readouterr().err


def test_nothing_to_do_is_a_mistake(api: FakeApi, capfd: Captured) -> None:
    Path("empty").mkdir()
    assert main(["transcribe", "empty"]) == Exit.USAGE
    assert "There is no recording in empty." in capfd.readouterr().err


def test_no_two_transcripts_share_a_file(recordings: Path) -> None:
    sources = ["talks", "talks/a.mp3", "https://example.com/a.mp3", "https://example.com/"]
    outputs = [one.output for one in plan(sources, Path("out"), "vtt")]
    assert len(set(outputs)) == len(outputs) == 6
    assert set(map(str, outputs)) >= {"out/2019/b.vtt", "out/a.wav.vtt", "out/a.mp3.vtt", "out/a.mp3-2.vtt"}


def test_a_terminal_shows_a_table(api: FakeApi, recordings: Path) -> None:
    api.looks = 3
    done, shown = on_terminal("transcribe", "talks", "-o", "out")
    assert (done.returncode, done.stdout) == (Exit.DONE, b"")
    assert "✓ " in shown
    assert "━" in shown
    assert "3 of 3 done" in shown


def test_interrupted_it_goes_on_where_it_was(api: FakeApi, recordings: Path) -> None:
    api.looks = 1_000_000
    done, told = interrupted("transcribe", "talks", "-o", "out", lines=4)  # the first names what is left out
    assert told.count(b": job ") == 3
    assert done.returncode == Exit.INTERRUPTED
    assert b"the same command goes on with it" in done.stderr
    assert b"Traceback" not in done.stderr
    api.looks = 1
    assert main(["transcribe", "talks", "-o", "out"]) == Exit.DONE
    assert len(api.jobs) == 3


def test_hidden_folders_are_left_out_and_dead_links_named(api: FakeApi, recordings: Path, capfd: Captured) -> None:
    Path("talks/.trash").mkdir()
    Path("talks/.trash/old.mp3").write_bytes(b"speech")
    Path("talks/gone.mp3").symlink_to("nowhere.mp3")
    assert main(["transcribe", "talks", "-o", "out"]) == Exit.LEFT_OUT
    told = capfd.readouterr().err
    assert "talks/.trash/old.mp3" in told
    assert "talks/gone.mp3" in told
    assert files("out") == {"a.mp3.txt", "a.wav.txt", "2019/b.txt"}
