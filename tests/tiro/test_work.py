"""A claim: one lease, for as many attempts as there may be, and what becomes of messages that get none."""

from __future__ import annotations

import pytest

from tests.house import House, code
from tiro import service
from tiro.errors import Conflict
from tiro.job import Job
from tiro.message import JobMessage
from tiro.service import Claim, Declined


def claim(house: House, job: Job, receives: int = 1, generation: int = 1) -> Claim | Declined:
    return house.claim(JobMessage(job_id=job.id, generation=generation), receives=receives)


def claimed(house: House, job: Job) -> Claim:
    found = claim(house, job)
    assert isinstance(found, Claim), found
    return found


class TestClaim:
    def test_hands_out_one_lease(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        assert isinstance(claim(house, job), Claim)
        again = claim(house, job)
        assert isinstance(again, Declined)
        assert again.hide_seconds

    def test_a_duplicate_looks_less_and_less_often(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        claimed(house, job)
        waits = [getattr(claim(house, job, receives=n), "hide_seconds", None) for n in (1, 3, 20)]
        assert waits == [120, 360, 900]

    def test_takes_over_what_a_dead_worker_held(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        dead = claimed(house, job)
        house.clock.advance(121)
        alive = claimed(house, job)
        assert alive.job.attempts == 2
        assert alive.run.attempt != dead.run.attempt
        with pytest.raises(Conflict):
            service.give_back(dead, counted=True, runs=house.runs)
        assert house.jobs.get(job.id) == alive.job

    def test_the_fourth_claim_fails_the_job(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        for _ in range(3):
            claimed(house, job)
            house.clock.advance(121)
        assert claim(house, job) == Declined(None, "every attempt is spent")
        assert code(house.jobs.get(job.id)) == "attempts_exhausted"
        assert f"`tiro retry {job.id}`" in house.jobs.get(job.id).model_dump_json()
        assert house.runs.get(job.id) is None

    def test_a_leftover_is_deleted(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        house.work()
        leftover = claim(house, job)
        assert isinstance(leftover, Declined)
        assert leftover.hide_seconds is None

    def test_a_message_ahead_of_its_record_waits(self, house: House) -> None:
        job = house.drop("inbox/ada/a.mp3")
        early = claim(house, job, generation=2)
        assert isinstance(early, Declined)
        assert early.hide_seconds == 2
