"""Objects that no job can come of: which they are, and where their problem is written."""

from __future__ import annotations

import json
import random

import pytest

from tests.fakes import FakeTranscriptStore
from tests.house import House, breaks
from tiro.errors import Problem, ServiceUnavailable
from tiro.job import Drop
from tiro.service.stray import Stray, report_stray, stray

JOB = "01kdy3q7ze0000000000000001"

STRAY = {
    "inbox/file.mp3": Stray.NO_OWNER,
    "inbox//a.mp3": Stray.NO_OWNER,
    "inbox": Stray.WRONG_PREFIX,
    "inbox/Some One/a.mp3": Stray.BAD_OWNER,
    "inbox/ADA/a.mp3": Stray.BAD_OWNER,
    "inbox/ünï/a.mp3": Stray.BAD_OWNER,
    "inbox/-ada/a.mp3": Stray.BAD_OWNER,
    "inbox/ada_b/a.mp3": Stray.BAD_OWNER,
    "inbox/a.mp3/b.mp3": Stray.BAD_OWNER,
    "inbox/" + "a" * 64 + "/a.mp3": Stray.BAD_OWNER,
    "inbox/../ada/a.mp3": Stray.BAD_OWNER,
    "Inbox/ada/a.mp3": Stray.WRONG_PREFIX,
    "/inbox/ada/a.mp3": Stray.WRONG_PREFIX,
    "inbox /ada/a.mp3": Stray.WRONG_PREFIX,
    "inboxes/ada/a.mp3": Stray.WRONG_PREFIX,
    "ada/a.mp3": Stray.WRONG_PREFIX,
    "a.mp3": Stray.WRONG_PREFIX,
    "transcripts/ada/a.json": Stray.WRONG_PREFIX,
    "uploads/ada/talk.mp3": Stray.WRONG_PREFIX,
    "uploads/ada": Stray.WRONG_PREFIX,
    f"uploads/ADA/{JOB}": Stray.WRONG_PREFIX,
}

NO_STRAY = ["inbox/ada/a.mp3", "inbox/ada/b/c/d.mp3", "inbox/0/a", f"uploads/ada/{JOB}", "inbox/", "elsewhere/", "a/b/"]


def report(key: str, transcripts: FakeTranscriptStore) -> str | None:
    why = stray(key)
    assert why
    return report_stray(Drop(bucket="media", key=key, sequencer="01"), why, transcripts=transcripts)


@pytest.mark.parametrize(("key", "why"), STRAY.items())
def test_what_no_job_can_come_of(key: str, why: Stray) -> None:
    house = House()
    assert stray(key) is why
    assert house.arrived(house.put(key)) is None
    assert not house.jobs.jobs


@pytest.mark.parametrize("key", NO_STRAY)
def test_what_a_job_may_come_of_and_folders(key: str) -> None:
    assert stray(key) is None


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("inbox/file.mp3", "'inbox/file.mp3' has no owner"),
        ("inbox//a.mp3", "'inbox//a.mp3' has no owner"),
        ("inbox/Some One/ü (1).mp3", "'Some One' cannot be an owner"),
    ],
)
def test_its_sender_reads_what_is_wrong_and_what_to_do(key: str, says: str) -> None:
    transcripts = FakeTranscriptStore()
    assert report(key, transcripts) == report(key, transcripts) == f"{key}.problem.json"
    [(written, body)] = transcripts.objects.items()
    problem = Problem.model_validate(json.loads(body))
    assert (written, problem.code, problem.retryable) == (f"{key}.problem.json", "no_owner", False)
    assert problem.detail.startswith(("The key", "'"))
    assert says in problem.detail
    assert "inbox/{owner}/" in problem.detail
    assert transcripts.media_types[written] == "application/problem+json"


@pytest.mark.parametrize(
    "key",
    [
        *(key for key, why in STRAY.items() if why is Stray.WRONG_PREFIX),
        "inbox/../ada/a.mp3",
        "inbox/./a.mp3",
        "inbox/ADA/../ada/a.mp3",
        "inbox/ADA/a\x00.mp3",
        "inbox/ADA/a\r\nb.mp3",
        "inbox/ADA/a\u202e3pm.exe",
        "inbox/a.mp3.problem.json",
        "inbox/ADA/a.mp3.problem.json",
        "inbox/ADA/" + "é" * 502,
    ],
)
def test_nothing_is_written_where_it_is_not_safe(key: str) -> None:
    transcripts = FakeTranscriptStore()
    assert report(key, transcripts) is None
    assert not transcripts.objects


def test_a_longest_key_is_reported() -> None:
    transcripts = FakeTranscriptStore()
    key = "inbox/ADA/" + "x" * (1024 - len("inbox/ADA/") - len(".problem.json"))
    assert report(key, transcripts) == f"{key}.problem.json"
    assert len(f"{key}.problem.json") == 1024


def test_while_s3_is_away_the_event_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    transcripts = FakeTranscriptStore()
    monkeypatch.setattr(transcripts, "publish", breaks)
    with pytest.raises(ServiceUnavailable):
        report("inbox/a.mp3", transcripts)


@pytest.mark.parametrize("seed", range(20))
def test_a_key_makes_a_job_or_is_reported_and_never_in_another_owner_s_place(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    parts = [
        "inbox",
        "uploads",
        "ada",
        "Ada",
        "",
        ".",
        "..",
        "a.mp3",
        JOB,
        "é",
        "a b",
        "a\n",
        "x.problem.json",
        "x" * 999,
    ]
    for _ in range(100):
        key = "/".join(dice.choice(parts) for _ in range(dice.randrange(1, 5)))[:1024]
        house, transcripts = House(), FakeTranscriptStore()
        house.arrived(house.put(key))
        if stray(key) is None:
            assert house.jobs.jobs or key.startswith("uploads/") or key.endswith("/")
            continue
        assert not house.jobs.jobs
        written = report(key, transcripts)
        assert list(transcripts.objects) == ([written] if written else [])
        if written:
            assert written.startswith("inbox/")
            assert len(written.encode()) <= 1024
            assert stray(written), "no owner's drop has its transcript there"
