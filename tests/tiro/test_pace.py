"""How long a job waits is guessed from what is known, and from nothing else."""

from __future__ import annotations

import pytest

from tests.factories import NOW, make_queued_job, make_ref
from tiro.delivery import event_of
from tiro.details import Circumstances
from tiro.job import view
from tiro.pace import WAIT_BASIS, Pace, estimate_wait


@pytest.mark.parametrize(
    ("ahead", "in_hand", "pace", "seconds"),
    [
        (10, 2, Pace(4, 40.0), 50.0),
        (10, 0, Pace(4, 40.0), 100.0),
        (0, 5, Pace(4, 40.0), 0.0),
        (-1, 5, Pace(4, 40.0), 0.0),
        (10, 2, Pace(), None),
    ],
)
def test_a_wait_is_what_is_ahead_shared_by_who_works(
    ahead: int, in_hand: int, pace: Pace, seconds: float | None
) -> None:
    assert estimate_wait(ahead, in_hand, pace) == seconds


def test_it_is_told_while_a_job_waits_and_with_its_basis() -> None:
    queued, around = make_queued_job(), Circumstances(NOW, wait_seconds=12.5)
    seen = view(queued, around=around)
    assert (seen.estimated_wait_seconds, seen.estimated_wait_basis) == (12.5, WAIT_BASIS)
    for job, known in ((queued.claimed(at=NOW), around), (queued, Circumstances(NOW)), (queued, None)):
        seen = view(job, around=known)
        assert (seen.estimated_wait_seconds, seen.estimated_wait_basis) == (None, None)


def test_what_a_job_took_is_in_the_news_of_its_end() -> None:
    claimed = make_queued_job().claimed(at=NOW)
    done = event_of(claimed, claimed.completed(at=NOW.replace(second=15), transcript=make_ref()))
    assert done
    assert done.worked_seconds == 10.0
    queued = event_of(None, make_queued_job())
    assert queued
    assert queued.worked_seconds is None
