"""AskedStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.asked_store import AskedStoreContract
from tests.fakes_asked import FakeAskedStore
from tiro.adapters.dynamodb import DynamoDBAskedStore
from tiro.ports import AskedStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeAskedStore(AskedStoreContract):
    @pytest.fixture
    def store(self) -> AskedStore:
        return FakeAskedStore()


class TestDynamoDBAskedStore(AskedStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> AskedStore:
        return DynamoDBAskedStore(dynamodb, table)
