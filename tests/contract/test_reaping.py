"""What a round of the reaper costs DynamoDB: as much for a million jobs that wait as for none."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.factories import NOW, make_queued_job, make_run
from tests.fakes import FakeClock, FakeTranscriptStore
from tests.fakes_fetch import FakeFetchQueue, FakePartStore
from tests.fakes_queue import FakeJobQueue
from tests.house import House
from tiro.adapters.dynamodb import DynamoDBFetchStore, DynamoDBJobStore, DynamoDBRunStore
from tiro.message import JobMessage
from tiro.service import Reaper, ReapTerms

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def test_a_deep_backlog_costs_no_more_than_an_empty_one(dynamodb: DynamoDBClient, table: str) -> None:
    clock, queue = FakeClock(NOW), FakeJobQueue(FakeClock(NOW))
    house = House()
    reaper = Reaper(
        jobs=DynamoDBJobStore(dynamodb, table),
        runs=DynamoDBRunStore(dynamodb, table),
        fetches=DynamoDBFetchStore(dynamodb, table),
        queue=queue,
        fetch_queue=FakeFetchQueue(clock),
        backlog=queue,
        fetch_backlog=FakeFetchQueue(clock),
        parts=FakePartStore(house.media),
        transcripts=FakeTranscriptStore(),
        clock=clock,
        terms=ReapTerms(patience_seconds=300, max_attempts=3),
    )
    empty = calls_of(dynamodb, reaper)
    for number in range(60):
        job = reaper.jobs.create(make_queued_job(id=f"01{number:03}", sent_at=NOW + timedelta(seconds=number)))
        queue.send(JobMessage.of(job), owner="ada")
        if number < 10:  # and some are worked on
            lease = make_run(attempt=str(number), lease_expires_at=NOW + timedelta(days=2))
            reaper.runs.claim(job, job.claimed(at=NOW), lease, now=NOW)
    clock.advance(86_400)
    assert calls_of(dynamodb, reaper) == empty == Counter(Query=4 * 8)


def calls_of(dynamodb: DynamoDBClient, reaper: Reaper) -> Counter[str]:
    calls: Counter[str] = Counter()

    def count(model: Any, **_: object) -> None:
        calls[model.name] += 1

    dynamodb.meta.events.register("before-call.dynamodb", count)
    try:
        assert not any(reaper.round().counts().values())
    finally:
        dynamodb.meta.events.unregister("before-call.dynamodb", count)
    return calls
