"""What is promised of the outbox: a change that is news writes one event, in its own write; no other does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from tests.factories import NOW, make_drop, make_job, make_media, make_queued_job, make_ref, make_run
from tiro.delivery import Event
from tiro.errors import Conflict, LeaseLost, NotAudio
from tiro.ports import JobStore, RunStore


class Stores(NamedTuple):
    jobs: JobStore
    runs: RunStore
    events: Callable[[str], Sequence[Event]]  # of a job, in their order


class OutboxContract:
    @pytest.fixture
    def stores(self) -> Stores:
        raise NotImplementedError

    def test_the_way_of_a_job_is_told_once(self, stores: Stores) -> None:
        job = stores.jobs.create(make_job(metadata={"order": "17"}))
        assert list(stores.events(job.id)) == []
        queued = job.queued(at=NOW, media=make_media())
        for _ in range(2):  # the answer to the first was lost
            stores.jobs.save(job, queued)
        first = queued.claimed(at=NOW)
        stores.runs.claim(queued, first, make_run(attempt="a"), now=NOW)
        returned = first.returned(counted=True)
        stores.runs.finish(first, returned, "a")
        second = returned.claimed(at=NOW)
        stores.runs.claim(returned, second, make_run(attempt="b"), now=NOW)
        done = second.completed(at=NOW, transcript=make_ref())
        for _ in range(2):
            stores.runs.finish(second, done, "b")
        stores.jobs.save(done, done.deleted(at=NOW))
        told = stores.events(job.id)
        assert [event.type for event in told] == ["transcription.queued", "transcription.completed"]
        assert {event.metadata["order"] for event in told} == {"17"}
        assert len({event.id for event in told}) == 2

    @pytest.mark.parametrize("drop", [None, make_drop()])
    def test_a_job_that_is_made_queued_is_told(self, stores: Stores, drop: object) -> None:
        for _ in range(2):
            stores.jobs.create(make_queued_job(drop=drop))
        [event] = stores.events(make_queued_job().id)
        assert event.type == "transcription.queued"

    def test_a_change_that_is_refused_is_not_told(self, stores: Stores) -> None:
        job = stores.jobs.create(make_job())
        cancelled = job.cancelled(at=NOW)
        stores.jobs.save(job, cancelled)
        with pytest.raises(Conflict):
            stores.jobs.save(job, job.failed(at=NOW, problem=NotAudio().problem()))
        with pytest.raises(LeaseLost):
            stores.runs.finish(job, job.failed(at=NOW, problem=NotAudio().problem()), "nobody")
        assert [event.type for event in stores.events(job.id)] == ["transcription.cancelled"]

    def test_a_failure_says_why_in_a_word(self, stores: Stores) -> None:
        job = stores.jobs.create(make_job())
        stores.jobs.save(job, job.failed(at=NOW, problem=NotAudio("x" * 50_000).problem()))
        [event] = stores.events(job.id)
        assert (event.code, event.title) == ("not_audio", NotAudio.title)
        assert len(event.body()) < 1000
