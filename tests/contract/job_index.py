"""What a JobIndex and a UsageStore promise, on a JobStore and a RunStore that write what they read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import NOW, make_drop, make_job, make_media, make_queued_job, make_ref, make_run
from tiro.errors import Conflict, NotAudio
from tiro.job import Job, JobStatus
from tiro.listing import JobSummary
from tiro.ports import JobIndex, JobStore, RunStore, Stretch, UsageStore
from tiro.quota import Usage

MONTH = "2026-01"


@dataclass
class Shelves:
    jobs: JobStore
    runs: RunStore
    index: JobIndex
    usage: UsageStore

    def look(
        self,
        owner: str = "ada",
        month: str = MONTH,
        *,
        older_than: str = "~",
        not_older_than: str = "0",
        status: JobStatus | None = None,
        limit: int = 100,
    ) -> Stretch:
        return self.index.look(
            owner, month, older_than=older_than, not_older_than=not_older_than, status=status, limit=limit
        )

    def change(self, before: Job, after: Job) -> Job:
        self.jobs.save(before, after)
        return after


class JobIndexContract:
    @pytest.fixture
    def shelves(self) -> Shelves:
        raise NotImplementedError

    def test_an_owner_s_jobs_of_a_month_come_newest_first(self, shelves: Shelves) -> None:
        ids = ["01a", "01c", "01b"]
        for job_id in ids:
            shelves.jobs.create(make_job(id=job_id))
        shelves.jobs.create(make_job(id="01d", owner="bob"))
        shelves.jobs.create(make_job(id="01e", created_at=datetime(2026, 2, 1, tzinfo=UTC)))
        found = shelves.look()
        assert [job.id for job in found.jobs] == ["01c", "01b", "01a"]
        assert found.goes_on_after is None
        assert [job.id for job in shelves.look("bob").jobs] == ["01d"]
        assert [job.id for job in shelves.look(month="2026-02").jobs] == ["01e"]
        assert shelves.look(month="2025-12") == Stretch((), None)

    def test_a_look_is_between_two_ids_and_no_longer_than_its_limit(self, shelves: Shelves) -> None:
        for number in range(6):
            shelves.jobs.create(make_job(id=f"01{number}"))
        between = shelves.look(older_than="014", not_older_than="011")
        assert [job.id for job in between.jobs] == ["013", "012", "011"]
        some = shelves.look(limit=2)
        assert ([job.id for job in some.jobs], some.goes_on_after) == (["015", "014"], "014")
        assert shelves.look(older_than="01", not_older_than="02") == Stretch((), None)

    def test_a_status_is_looked_for_among_all(self, shelves: Shelves) -> None:
        for number in range(4):
            job = shelves.jobs.create(make_job(id=f"01{number}"))
            if number == 0:
                shelves.change(job, job.failed(at=NOW, problem=NotAudio().problem()))
        found = shelves.look(status=JobStatus.FAILED, limit=3)
        assert (found.jobs, found.goes_on_after) == ((), "011")
        [failed] = shelves.look(status=JobStatus.FAILED).jobs
        assert failed.id == "010"

    def test_what_is_told_is_what_the_job_is_now(self, shelves: Shelves) -> None:
        job = shelves.jobs.create(make_queued_job(retry_of="00x"))
        assert shelves.look().jobs == (JobSummary.of(job),)
        claimed = job.claimed(at=NOW)
        shelves.runs.claim(job, claimed, make_run(), now=NOW)
        done = claimed.completed(at=NOW, transcript=make_ref(duration=3.5))
        shelves.runs.finish(claimed, done, "attempt-1")
        [told] = shelves.look().jobs
        assert told == JobSummary.of(done)
        assert (told.status, told.duration, told.finished_at, told.retry_of) == (JobStatus.COMPLETED, 3.5, NOW, "00x")

    def test_what_was_deleted_is_not_listed(self, shelves: Shelves) -> None:
        job = shelves.jobs.create(make_job())
        ended = shelves.change(job, job.cancelled(at=NOW))
        shelves.change(ended, ended.deleted(at=NOW))
        assert shelves.look() == Stretch((), None)
        assert shelves.jobs.get(job.id).deleted_at == NOW

    # ------------------------------------------------------------ usage

    def test_nobody_has_used_anything(self, shelves: Shelves) -> None:
        assert shelves.usage.get("ada", at=NOW) == Usage()

    def test_a_job_counts_until_its_end(self, shelves: Shelves) -> None:
        for number in range(20):
            shelves.jobs.create(make_job(id=f"01{number:02}"))
        assert shelves.usage.get("ada", at=NOW) == Usage(jobs=20, since=MONTH)
        for number in range(15):
            job = shelves.jobs.get(f"01{number:02}")
            shelves.change(job, job.cancelled(at=NOW))
        assert shelves.usage.get("ada", at=NOW).jobs == 5
        assert shelves.usage.get("bob", at=NOW) == Usage()

    def test_audio_counts_once_on_the_day_it_is_queued(self, shelves: Shelves) -> None:
        awaited = shelves.jobs.create(make_job())
        queued = shelves.change(awaited, awaited.queued(at=NOW, media=make_media(duration=60.5)))
        claimed = queued.claimed(at=NOW)
        shelves.runs.claim(queued, claimed, make_run(), now=NOW)
        returned = claimed.returned(counted=True)
        shelves.runs.finish(claimed, returned, "attempt-1")
        assert shelves.usage.get("ada", at=NOW).audio_seconds == 60.5
        assert shelves.usage.get("ada", at=NOW + timedelta(days=1)).audio_seconds == 0

    def test_audio_whose_length_only_decoding_tells_counts_at_the_end(self, shelves: Shelves) -> None:
        queued = shelves.jobs.create(make_queued_job(media=make_media(duration=None)))
        claimed = queued.claimed(at=NOW)
        shelves.runs.claim(queued, claimed, make_run(), now=NOW)
        assert shelves.usage.get("ada", at=NOW).audio_seconds == 0
        shelves.runs.finish(claimed, claimed.completed(at=NOW, transcript=make_ref(duration=7.25)), "attempt-1")
        assert shelves.usage.get("ada", at=NOW) == Usage(jobs=0, audio_seconds=7.25, since=MONTH)

    @pytest.mark.parametrize(
        ("told", "heard", "counted"),
        [(None, 7.25, 7.25), (1.0, 43_200.0, 43_200.0), (60.5, 61.25, 60.5), (60.5, 10.0, 60.5)],
        ids=["nothing was told", "too little was told", "as good as told", "more was told"],
    )
    @pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
    def test_what_was_heard_beyond_what_was_told_counts_at_every_end(
        self, shelves: Shelves, end: str, told: float | None, heard: float, counted: float
    ) -> None:
        queued = shelves.jobs.create(make_queued_job(media=make_media(duration=told)))
        claimed = queued.claimed(at=NOW)
        shelves.runs.claim(queued, claimed, make_run(), now=NOW)
        ended = {
            "completed": claimed.completed(at=NOW, transcript=make_ref(duration=heard)),
            "failed": claimed.failed(at=NOW, problem=NotAudio().problem(), heard=heard),
            "cancelled": claimed.cancelled(at=NOW, heard=heard),
        }[end]
        shelves.runs.finish(claimed, ended, "attempt-1")
        assert shelves.usage.get("ada", at=NOW).audio_seconds == counted
        tidied = shelves.change(ended, ended.without_media(at=NOW))
        shelves.change(tidied, tidied.deleted(at=NOW))
        assert shelves.usage.get("ada", at=NOW).audio_seconds == counted, "an end is one end"

    def test_what_is_refused_and_what_is_repeated_is_not_counted(self, shelves: Shelves) -> None:
        job = make_job()
        for _ in range(2):
            shelves.jobs.create(job)
        with pytest.raises(Conflict):
            shelves.jobs.create(make_job(owner="bob"))
        cancelled = job.cancelled(at=NOW)
        for _ in range(2):
            shelves.jobs.save(job, cancelled)
        with pytest.raises(Conflict):
            shelves.jobs.save(job, job.failed(at=NOW, problem=NotAudio().problem()))
        assert shelves.usage.get("ada", at=NOW).jobs == 0
        assert shelves.usage.get("bob", at=NOW).jobs == 0

    def test_a_drop_counts_once_however_often_its_event_comes(self, shelves: Shelves) -> None:
        for number in range(3):
            shelves.jobs.create(make_job(id=f"01{number}", source="drop", drop=make_drop()))
        assert shelves.usage.get("ada", at=NOW).jobs == 1

    def test_a_drop_tried_again_is_another_job(self, shelves: Shelves) -> None:
        first = shelves.jobs.create(make_job(id="01a", source="drop", drop=make_drop()))
        again = make_queued_job(id="01b", source="drop", drop=make_drop(), retry_of=first.id)
        assert shelves.jobs.create(again) == again
        assert shelves.usage.get("ada", at=NOW).jobs == 2
