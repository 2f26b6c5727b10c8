"""The outbox: of the fakes and of DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.outbox import OutboxContract, Stores
from tests.fakes import FakeJobStore, FakeRunStore
from tiro.adapters.dynamodb import DynamoDBJobStore, DynamoDBRunStore
from tiro.adapters.dynamodb.outbox import PREFIX, read_event
from tiro.adapters.dynamodb.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeOutbox(OutboxContract):
    @pytest.fixture
    def stores(self) -> Stores:
        jobs = FakeJobStore()
        return Stores(
            jobs, FakeRunStore(jobs), lambda job_id: [event for event in jobs.events if event.job_id == job_id]
        )


class TestDynamoDBOutbox(OutboxContract):
    @pytest.fixture
    def stores(self, dynamodb: DynamoDBClient, table: str) -> Stores:
        items = Table(dynamodb, table)
        return Stores(
            DynamoDBJobStore(dynamodb, table),
            DynamoDBRunStore(dynamodb, table),
            lambda job_id: [read_event(item) for item in items.all_under(f"job#{job_id}", PREFIX)],
        )
