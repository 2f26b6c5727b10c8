"""RunStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.run_store import RunStoreContract, Stores
from tests.fakes import FakeJobStore, FakeRunStore
from tiro.adapters.dynamodb import DynamoDBJobStore, DynamoDBRunStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeRunStore(RunStoreContract):
    @pytest.fixture
    def stores(self) -> Stores:
        jobs = FakeJobStore()
        return Stores(jobs, FakeRunStore(jobs))


class TestDynamoDBRunStore(RunStoreContract):
    @pytest.fixture
    def stores(self, dynamodb: DynamoDBClient, table: str) -> Stores:
        return Stores(DynamoDBJobStore(dynamodb, table), DynamoDBRunStore(dynamodb, table))
