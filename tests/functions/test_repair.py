"""Jobs that failed are looked into and tried again, against DynamoDB, S3 and SQS as moto keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions import wiring
from tests.functions.conftest import Stack
from tests.functions.test_handlers import submit
from tiro import service
from tiro.cli import main
from tiro.errors import AttemptsExhausted, NotAudio, NotConfigured, TiroError
from tiro.job import Job, JobStatus
from tiro.message import JobMessage
from tiro.repair import open_workshop


def failed(stack: Stack, error: TiroError, *, recorded: bool = True) -> Job:
    """Return an uploaded job that came to this end."""
    job = wiring.jobs().get(submit(stack)["body"]["id"])
    if recorded:
        stack.put(f"uploads/ada/{job.id}", b"speech")
    transcripts = wiring.transcripts(stack.settings.transcript_bucket)
    return service.fail(job, error, jobs=wiring.jobs(), transcripts=transcripts, clock=wiring.clock())


def test_a_job_is_shown_with_its_reason(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    job = failed(stack, NotAudio("It is a picture."))
    assert main(["admin", "show", job.id]) == 0
    said = capsys.readouterr().out
    assert job.id in said
    assert "not_audio: It is a picture." in said


def test_one_is_tried_again_by_its_id(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    job = failed(stack, AttemptsExhausted())
    assert main(["admin", "retry", job.id]) == 0
    [line] = capsys.readouterr().out.splitlines()
    new = wiring.jobs().get(line.split()[1])
    assert (new.status, new.retry_of) == (JobStatus.QUEUED, job.id)
    received = wiring.queue(stack.settings.queue_url, "").receive(wait_seconds=0)
    assert received
    assert JobMessage.parse(received.body) == JobMessage.of(new)
    assert wiring.jobs().get(job.id) == job, "what ended stays as it ended"


def test_all_that_failed_in_one_way_are_and_no_others(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    worn_out = [failed(stack, AttemptsExhausted()) for _ in range(3)]
    failed(stack, NotAudio())
    assert main(["admin", "retry", "--code", "attempts_exhausted", "--owner", "ada"]) == 0
    said = capsys.readouterr()
    assert {line.split()[0] for line in said.out.splitlines()} == {job.id for job in worn_out}
    assert "3 tried again, 0 not" in said.err


def test_what_cannot_be_tried_again_says_why(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    job = failed(stack, AttemptsExhausted(), recorded=False)
    main(["admin", "retry", job.id])
    assert f"{job.id}  not tried again:" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["x", "--code", "y", "--owner", "ada"], ["--code", "y"]])
def test_it_must_be_clear_which(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["admin", "retry", *words])
    assert ended.value.code == 2


def test_without_a_stack_it_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="TIRO_QUEUE_URL"):
        open_workshop({}, tmp_path)
