"""JobIndex and UsageStore: the fakes and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.job_index import JobIndexContract, Shelves
from tests.factories import NOW, make_job
from tests.fakes import FakeJobStore, FakeRunStore
from tests.fakes_listing import FakeJobIndex, FakeUsageStore
from tiro.adapters.dynamodb import DynamoDBJobIndex, DynamoDBJobStore, DynamoDBRunStore, DynamoDBUsageStore
from tiro.job import TOMBSTONE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeJobIndex(JobIndexContract):
    @pytest.fixture
    def shelves(self) -> Shelves:
        jobs = FakeJobStore()
        return Shelves(jobs, FakeRunStore(jobs), FakeJobIndex(jobs), FakeUsageStore(jobs))


class TestDynamoDBJobIndex(JobIndexContract):
    @pytest.fixture
    def shelves(self, dynamodb: DynamoDBClient, table: str) -> Shelves:
        return Shelves(
            DynamoDBJobStore(dynamodb, table),
            DynamoDBRunStore(dynamodb, table),
            DynamoDBJobIndex(dynamodb, table),
            DynamoDBUsageStore(dynamodb, table),
        )

    def test_a_tombstone_is_forgotten_after_its_retention(
        self, shelves: Shelves, dynamodb: DynamoDBClient, table: str
    ) -> None:
        job = shelves.jobs.create(make_job())
        ended = shelves.change(job, job.cancelled(at=NOW))
        shelves.change(ended, ended.deleted(at=NOW))
        [item] = [i for i in dynamodb.scan(TableName=table)["Items"] if i["sk"]["S"] == "job"]
        assert 0 <= float(item["expires_at"]["N"]) - (NOW + TOMBSTONE).timestamp() < 1
        assert "owner_month" not in item
