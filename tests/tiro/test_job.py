"""A job goes only where the drawing says, and its id sorts by time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiro.errors import IllegalTransition, JobNotFound
from tiro.job import TRANSITIONS, Drop, Job, JobStatus, Media, Run, TranscriptRef, new_id, view
from tiro.request import Options

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
REF = TranscriptRef(key="k", language="en", duration=11.0, no_speech=False)


def job(status: JobStatus = JobStatus.AWAITING_MEDIA, **fields: object) -> Job:
    return Job(id="j", owner="me", status=status, source="upload", options=Options(), created_at=NOW).model_copy(
        update=fields
    )


MOVES: dict[JobStatus, Callable[[Job], Job]] = {
    JobStatus.QUEUED: lambda j: j.queued(at=NOW),
    JobStatus.PROCESSING: lambda j: j.claimed(at=NOW),
    JobStatus.COMPLETED: lambda j: j.completed(at=NOW, transcript=REF),
    JobStatus.FAILED: lambda j: j.failed(at=NOW, problem=JobNotFound().problem()),
}


@pytest.mark.parametrize("there", MOVES)
@pytest.mark.parametrize("here", JobStatus)
def test_only_legal_transitions(here: JobStatus, there: JobStatus) -> None:
    if there in TRANSITIONS[here]:
        after = MOVES[there](job(here))
        assert (after.status, after.revision) == (there, 2)
    else:
        with pytest.raises(IllegalTransition, match=f"is {here} cannot become {there}"):
            MOVES[there](job(here))


def test_the_three_ends_are_ends() -> None:
    ends = {status for status in JobStatus if status.terminal}
    assert ends == {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


def test_a_return_by_sigterm_is_no_attempt() -> None:
    claimed = job(JobStatus.QUEUED).claimed(at=NOW)
    assert claimed.attempts == 1
    assert claimed.returned(counted=False).attempts == 0
    assert claimed.returned(counted=True).attempts == 1


def test_generation_rises_with_the_message_not_with_a_return() -> None:
    queued = job().queued(at=NOW, media=Media(bucket="b", key="k"))
    assert queued.generation == 1
    assert queued.claimed(at=NOW).returned(counted=True).generation == 1


@given(st.integers(0, 2**40), st.integers(1, 2**40), st.binary(min_size=10, max_size=16), st.binary(min_size=10))
def test_ids_sort_by_time(at: int, later: int, one: bytes, other: bytes) -> None:
    def stamp(ms: int) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)

    first, second = new_id(stamp(at), one), new_id(stamp(at + later), other)
    assert first < second
    assert len(first) == len(second) == 26


@pytest.mark.parametrize(
    ("newer", "older"),
    [("0055AED6DCD90281E6", "0055AED6DCD90281E5"), ("1", "0FFF"), ("01", "00FFFF"), ("0055AE01", "0055AE")],
)
def test_sequencers_are_compared_padded_on_the_right(newer: str, older: str) -> None:
    assert Drop(bucket="b", key="k", sequencer=newer).newer_than(older)
    assert not Drop(bucket="b", key="k", sequencer=older).newer_than(newer)
    assert not Drop(bucket="b", key="k", sequencer=newer).newer_than(newer)


def test_a_view_hides_what_is_ours() -> None:
    shown = view(job(media=Media(bucket="secret", key="secret", etag="secret", name="talk.mp3"))).model_dump_json()
    assert "talk.mp3" in shown
    assert "secret" not in shown


def test_a_view_tells_progress_only_where_there_is_any() -> None:
    media = Media(bucket="b", key="k", duration=60.0)
    processing = job(JobStatus.PROCESSING, media=media)
    run = Run(attempt="a", lease_expires_at=NOW, done=20.0)
    assert view(job(media=media)).progress is None
    halfway = view(processing, run).progress
    assert halfway
    assert (halfway.done_seconds, halfway.total_seconds) == (20.0, 60.0)
    done = view(processing.completed(at=NOW, transcript=REF))
    assert done.progress
    assert done.progress.done_seconds == 11.0
    assert done.transcript_url == "/v1/transcriptions/j/transcript"
    assert done.language == "en"
