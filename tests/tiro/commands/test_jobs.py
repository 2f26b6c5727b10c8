"""What became of recordings: for a person, and with --json for a script."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fake_api import FakeApi, body_of
from tiro.cli import Exit, main
from tiro.commands.jobs import STATUSES, moment
from tiro.errors import NotAudio
from tiro.job import JobStatus

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def job_id(capfd: Captured) -> str:
    assert main(["transcribe", "s3://media/inbox/ada/a.mp3", "--no-wait", "--quiet"]) == Exit.DONE
    return capfd.readouterr().out.strip()


def run(capfd: Captured, *argv: str, status: Exit = Exit.DONE) -> tuple[str, str]:
    assert main(argv) == status
    told = capfd.readouterr()
    return told.out, told.err


def objects(capfd: Captured, *argv: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(capfd, *argv, "--json")[0].splitlines()]


def test_what_is_not_waited_for_is_made_anew(api: FakeApi, job_id: str, capfd: Captured) -> None:
    assert run(capfd, "transcribe", "s3://media/inbox/ada/a.mp3", "--no-wait")[0].strip() != job_id


def test_jobs(api: FakeApi, job_id: str, capfd: Captured) -> None:
    out, _ = run(capfd, "jobs", "--limit", "5")
    assert [line.split()[:2] for line in out.splitlines()] == [["ID", "STATUS"], [job_id, "queued"]]
    assert [job["id"] for job in objects(capfd, "jobs", "--status", "queued", "--since", "2d")] == [job_id]
    assert "status=queued&created_after=" in api.asked[-1].path
    assert "there are no such jobs" in run(capfd, "jobs", "--status", "failed")[1]


def test_show(api: FakeApi, job_id: str, capfd: Captured) -> None:
    fields = dict(line.split("  ", 1) for line in run(capfd, "show", job_id, "--wait")[0].splitlines())
    assert fields["id"].strip() == job_id
    assert fields["status"].strip() == "completed"
    assert objects(capfd, "show", job_id)[0]["status"] == "completed"


def test_show_says_why_it_failed(api: FakeApi, job_id: str, capfd: Captured) -> None:
    api.error = NotAudio("This is a text file.")
    assert "This is a text file. [not_audio]" in run(capfd, "show", job_id)[0]


def test_cancel_retry_delete(api: FakeApi, job_id: str, capfd: Captured) -> None:
    assert f"{job_id} is cancelled" in run(capfd, "cancel", job_id)[1]
    new = run(capfd, "retry", job_id)[0].strip()
    assert new in api.jobs
    assert objects(capfd, "delete", job_id, new) == [{"id": job_id, "deleted": True}, {"id": new, "deleted": True}]
    out, err = run(capfd, "show", job_id, status=Exit.FAILED)
    assert out == ""
    assert "[job_gone]" in err


def test_transcript(api: FakeApi, job_id: str, capfd: Captured) -> None:
    _, err = run(capfd, "transcript", job_id, status=Exit.FAILED)
    assert "[transcript_not_ready]" in err
    assert "'tiro show ID' says how far it is" in err
    run(capfd, "show", job_id, "--wait")
    assert run(capfd, "transcript", job_id)[0] == "Dictate, and it is written.\n"
    run(capfd, "transcript", job_id, "-o", "a.vtt", "--max-chars-per-line", "20")
    assert Path("a.vtt").read_text().startswith("WEBVTT")
    assert api.asked[-1].path.endswith("format=vtt&max_chars_per_line=20")


def test_batches(api: FakeApi, capfd: Captured) -> None:
    Path("a.mp3").write_bytes(b"speech")
    batch = run(capfd, "batches", "submit", "a.mp3", "s3://media/b.mp3", "--language", "de")[0].strip()
    assert body_of(api.calls("POST")[0])["language"] == "de"
    assert list(api.objects.values()) == [b"speech"]
    assert "2 queued" in run(capfd, "batches", "show", batch)[0]
    assert objects(capfd, "batches", "show", batch)[0]["sources"] == 2
    assert "Name recordings" in run(capfd, "batches", "submit", status=Exit.USAGE)[1]


def test_a_prefix_is_gone_through_to_its_end(api: FakeApi, capfd: Captured) -> None:
    batch = run(capfd, "batches", "submit", "--prefix", "s3://media/ada/", "--priority", "batch")[0].strip()
    asked = [body_of(asked) for asked in api.calls("POST")]
    assert asked == [
        {"prefix": "s3://media/ada/", "priority": "batch"},
        {"prefix": "s3://media/ada/", "priority": "batch", "cursor": "more"},
    ]
    assert batch == "b-1"


def test_a_recording_can_be_played(job_id: str, capfd: Captured) -> None:
    assert run(capfd, "media", job_id)[0].strip().endswith(f"/media/{job_id}")


def test_models(capfd: Captured) -> None:
    assert "base      yes" in run(capfd, "models")[0]
    assert [model["id"] for model in objects(capfd, "models")] == ["base", "large-v3"]


def test_an_address_that_is_not_tiro_s(api: FakeApi, monkeypatch: pytest.MonkeyPatch, capfd: Captured) -> None:
    monkeypatch.setenv("TIRO_API_URL", f"{api.url}/prod/v1")
    _, err = run(capfd, "jobs", status=Exit.UNREACHABLE)
    assert "[route_not_found]" in err
    assert f"check TIRO_API_URL, which is {api.url}/prod/v1" in err


def test_the_command_line_knows_every_status() -> None:
    assert tuple(JobStatus) == STATUSES


def test_times() -> None:
    assert moment("2026-11-24T09:30+01:00") == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert abs(moment("2d") - (datetime.now(UTC) - timedelta(days=2))) < timedelta(minutes=1)
    assert main_refuses("jobs", "--since", "soon")
    assert main_refuses("jobs", "--limit", "0")


def main_refuses(*argv: str) -> bool:
    with pytest.raises(SystemExit) as left:
        main(argv)
    return left.value.code == Exit.USAGE
