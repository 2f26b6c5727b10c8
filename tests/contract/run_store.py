"""What a RunStore promises: at any time one attempt holds a job, and only that one writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests.factories import NOW, make_queued_job, make_ref, make_run
from tiro.errors import Conflict, EngineFailed, LeaseLost, NotStorable
from tiro.job import Job, JobStatus, Run
from tiro.ports import JobStore, RunStore


@dataclass(frozen=True)
class Stores:
    jobs: JobStore
    runs: RunStore

    def claim(self, before: Job, run: Run, *, late: float = 0.0) -> Job:
        """Claim `late` seconds after NOW; return the job as claimed."""
        now = NOW + timedelta(seconds=late)
        after = before.claimed(at=now)
        self.runs.claim(before, after, run, now=now)
        return after


FIRST = make_run(attempt="first", lease_expires_at=NOW + timedelta(seconds=120))
SECOND = make_run(attempt="second", lease_expires_at=NOW + timedelta(seconds=360))


class RunStoreContract:
    @pytest.fixture
    def stores(self) -> Stores:
        raise NotImplementedError

    @pytest.fixture
    def queued(self, stores: Stores) -> Job:
        return stores.jobs.create(make_queued_job())

    @pytest.fixture
    def taken_over(self, stores: Stores, queued: Job) -> tuple[Job, Job]:
        """The job as the first attempt claimed it, and as the second did when that one's lease had run out."""
        first = stores.claim(queued, FIRST)
        return first, stores.claim(first, SECOND, late=120.000001)

    def test_nobody_holds_a_job_that_waits(self, stores: Stores, queued: Job) -> None:
        assert stores.runs.get(queued.id) is None

    def test_a_claim_saves_the_job_and_hands_out_the_lease(self, stores: Stores, queued: Job) -> None:
        claimed = stores.claim(queued, FIRST)
        assert stores.jobs.get(queued.id) == claimed
        assert stores.runs.get(queued.id) == FIRST

    def test_progress_that_is_no_number_is_refused_and_the_lease_stays(self, stores: Stores, queued: Job) -> None:
        stores.claim(queued, FIRST)
        with pytest.raises(NotStorable, match="/total is nan, not a finite number"):
            stores.runs.renew(queued.id, FIRST.model_copy(update={"total": float("nan")}))
        assert stores.runs.get(queued.id) == FIRST

    @pytest.mark.parametrize("late", [0, 1])
    def test_of_two_claims_one_wins(self, stores: Stores, queued: Job, late: float) -> None:
        claimed = stores.claim(queued, FIRST)
        with pytest.raises(Conflict):
            stores.claim(queued, SECOND, late=late)
        assert stores.jobs.get(queued.id) == claimed
        assert stores.runs.get(queued.id) == FIRST

    @pytest.mark.parametrize("late", [1, 120])
    def test_a_live_lease_is_not_taken_over(self, stores: Stores, queued: Job, late: float) -> None:
        claimed = stores.claim(queued, FIRST)
        with pytest.raises(Conflict):
            stores.claim(claimed, SECOND, late=late)
        assert stores.jobs.get(queued.id) == claimed
        assert stores.runs.get(queued.id) == FIRST

    def test_an_expired_lease_is_taken_over(self, stores: Stores, taken_over: tuple[Job, Job]) -> None:
        _, second = taken_over
        assert stores.jobs.get(second.id) == second
        assert second.attempts == 2
        assert stores.runs.get(second.id) == SECOND

    def test_a_job_that_changed_is_not_claimed(self, stores: Stores, queued: Job) -> None:
        failed = queued.failed(at=NOW, problem=EngineFailed().problem())
        stores.jobs.save(queued, failed)
        with pytest.raises(Conflict):
            stores.claim(queued, FIRST)
        assert stores.jobs.get(queued.id) == failed
        assert stores.runs.get(queued.id) is None

    def test_the_same_claim_again_is_no_conflict(self, stores: Stores, queued: Job) -> None:
        """The answer to the first may have been lost."""
        assert stores.claim(queued, FIRST) == stores.claim(queued, FIRST)

    # ------------------------------------------------------------ renew

    def test_renewing_keeps_lease_and_progress_to_the_last_bit(self, stores: Stores, queued: Job) -> None:
        stores.claim(queued, FIRST)
        renewed = make_run(
            attempt="first", lease_expires_at=NOW + timedelta(seconds=240, microseconds=1), done=0.1 + 0.2, total=1 / 3
        )
        stores.runs.renew(queued.id, renewed)
        assert stores.runs.get(queued.id) == renewed

    def test_a_renewed_lease_is_not_taken_over(self, stores: Stores, queued: Job) -> None:
        claimed = stores.claim(queued, FIRST)
        stores.runs.renew(queued.id, make_run(attempt="first", lease_expires_at=NOW + timedelta(seconds=300)))
        with pytest.raises(Conflict):
            stores.claim(claimed, SECOND, late=200)

    def test_a_lease_that_nobody_took_over_can_still_be_renewed(self, stores: Stores, queued: Job) -> None:
        stores.claim(queued, make_run(attempt="first", lease_expires_at=NOW - timedelta(days=1)))
        stores.runs.renew(queued.id, FIRST)
        assert stores.runs.get(queued.id) == FIRST

    def test_who_lost_the_lease_cannot_renew_it(self, stores: Stores, taken_over: tuple[Job, Job]) -> None:
        with pytest.raises(LeaseLost):
            stores.runs.renew(taken_over[0].id, FIRST)
        assert stores.runs.get(taken_over[0].id) == SECOND

    def test_a_lease_that_is_not_there_cannot_be_renewed(self, stores: Stores, queued: Job) -> None:
        with pytest.raises(LeaseLost):
            stores.runs.renew(queued.id, FIRST)
        assert stores.runs.get(queued.id) is None

    # ------------------------------------------------------------ finish

    def test_finishing_saves_the_job_and_ends_the_lease(self, stores: Stores, queued: Job) -> None:
        claimed = stores.claim(queued, FIRST)
        completed = claimed.completed(at=NOW, transcript=make_ref())
        stores.runs.finish(claimed, completed, "first")
        assert stores.jobs.get(queued.id) == completed
        assert stores.runs.get(queued.id) is None
        with pytest.raises(LeaseLost):
            stores.runs.renew(queued.id, FIRST)

    def test_what_was_given_back_is_claimed_again_at_once(self, stores: Stores, queued: Job) -> None:
        claimed = stores.claim(queued, FIRST)
        returned = claimed.returned(counted=True)
        stores.runs.finish(claimed, returned, "first")
        assert stores.claim(returned, SECOND, late=1).status is JobStatus.PROCESSING

    def test_a_stale_attempt_cannot_finish(self, stores: Stores, taken_over: tuple[Job, Job]) -> None:
        first, second = taken_over
        for before in (first, second):  # by what it knew, and even by what it could find out
            with pytest.raises(LeaseLost):
                stores.runs.finish(before, before.completed(at=NOW, transcript=make_ref()), "first")
        assert stores.jobs.get(second.id) == second
        assert stores.runs.get(second.id) == SECOND

    def test_a_job_that_changed_under_its_lease_is_a_conflict(self, stores: Stores, queued: Job) -> None:
        claimed = stores.claim(queued, FIRST)
        failed = claimed.failed(at=NOW, problem=EngineFailed().problem())
        stores.jobs.save(claimed, failed)
        with pytest.raises(Conflict) as caught:
            stores.runs.finish(claimed, claimed.completed(at=NOW, transcript=make_ref()), "first")
        assert not isinstance(caught.value, LeaseLost)
        assert stores.jobs.get(queued.id) == failed

    def test_finishing_the_same_again_is_no_conflict(self, stores: Stores, queued: Job) -> None:
        claimed = stores.claim(queued, FIRST)
        completed = claimed.completed(at=NOW, transcript=make_ref())
        stores.runs.finish(claimed, completed, "first")
        stores.runs.finish(claimed, completed, "first")
        assert stores.jobs.get(queued.id) == completed

    # ------------------------------------------------------------ lapsed

    def test_a_lease_that_ran_out_is_found_some_minutes_later(self, stores: Stores, queued: Job) -> None:
        stores.claim(queued, FIRST)
        assert stores.runs.lapsed(FIRST.lease_expires_at, limit=10) == []
        assert stores.runs.lapsed(FIRST.lease_expires_at + timedelta(minutes=2), limit=10) == [(queued.id, FIRST)]

    def test_a_lease_that_was_renewed_or_ended_is_not(self, stores: Stores, queued: Job) -> None:
        other = stores.jobs.create(make_queued_job(id="01other"))
        claimed = stores.claim(queued, FIRST)
        renewed = FIRST.model_copy(update={"lease_expires_at": NOW + timedelta(hours=1)})
        stores.runs.renew(queued.id, renewed)
        gone = stores.claim(other, FIRST)
        stores.runs.finish(gone, gone.returned(counted=True), "first")
        assert stores.runs.lapsed(NOW + timedelta(minutes=30), limit=10) == []
        assert stores.runs.lapsed(NOW + timedelta(hours=2), limit=10) == [(claimed.id, renewed)]

    def test_the_longest_lapsed_come_first_up_to_a_limit(self, stores: Stores) -> None:
        for number in (3, 1, 2):
            job = stores.jobs.create(make_queued_job(id=f"01{number}"))
            stores.claim(job, make_run(lease_expires_at=NOW + timedelta(hours=number)))
        lapsed = stores.runs.lapsed(NOW + timedelta(days=1), limit=2)
        assert [job_id for job_id, _ in lapsed] == ["011", "012"]
