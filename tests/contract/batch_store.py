"""What a BatchStore promises: its counts are what the jobs are, whoever changed them."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.factories import NOW, make_job, make_media, make_ref, make_run
from tiro.batch import Batch
from tiro.errors import BatchNotFound, Conflict
from tiro.job import JobStatus
from tiro.ports import BatchStore, JobStore, RunStore

BATCH = Batch(id="01b", owner="ada", created_at=NOW, sources=3)


class Stores(NamedTuple):
    batches: BatchStore
    jobs: JobStore
    runs: RunStore


class BatchStoreContract:
    @pytest.fixture
    def stores(self) -> Stores:
        raise NotImplementedError

    def test_what_was_created_is_there(self, stores: Stores) -> None:
        stores.batches.create(BATCH)
        stores.batches.create(BATCH)  # the answer was lost
        assert stores.batches.get("01b") == BATCH
        assert sum(stores.batches.counts("01b").values()) == 0
        with pytest.raises(Conflict):
            stores.batches.create(BATCH.model_copy(update={"owner": "ben"}))
        with pytest.raises(BatchNotFound):
            stores.batches.get("01c")

    def test_a_batch_has_as_many_pages_as_were_ever_asked_for(self, stores: Stores) -> None:
        stores.batches.create(BATCH)
        second = BATCH.model_copy(update={"pages": 2, "sources": 7})
        stores.batches.extend(second)
        stores.batches.extend(BATCH.model_copy(update={"pages": 2, "sources": 5}))
        stores.batches.extend(BATCH)
        assert stores.batches.get("01b") == second

    def test_every_change_of_a_job_is_counted_once(self, stores: Stores) -> None:
        def counts() -> dict[JobStatus, int]:
            return {status: count for status, count in stores.batches.counts("01b").items() if count}

        new = make_job(batch="01b")
        stores.jobs.create(new)
        stores.jobs.create(new)
        stores.jobs.create(make_job(id="other", batch="01c"))
        stores.jobs.create(make_job(id="alone"))
        assert counts() == {JobStatus.AWAITING_MEDIA: 1}
        queued = new.queued(at=NOW, media=make_media())
        stores.jobs.save(new, queued)
        stores.jobs.save(new, queued)
        assert counts() == {JobStatus.QUEUED: 1}
        run = make_run()
        processing = queued.claimed(at=NOW)
        stores.runs.claim(queued, processing, run, now=NOW)
        assert counts() == {JobStatus.PROCESSING: 1}
        done = processing.completed(at=NOW, transcript=make_ref())
        stores.runs.finish(processing, done, run.attempt)
        stores.runs.finish(processing, done, run.attempt)
        assert counts() == {JobStatus.COMPLETED: 1}

    def test_a_change_that_is_refused_is_not_counted(self, stores: Stores) -> None:
        new = make_job(batch="01b")
        stores.jobs.create(new)
        queued = new.queued(at=NOW, media=make_media())
        stores.jobs.save(new, queued)
        with pytest.raises(Conflict):
            stores.jobs.save(new, new.queued(at=NOW, media=make_media(size=1)))
        assert stores.batches.counts("01b")[JobStatus.QUEUED] == 1
