"""FetchStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.fetch_store import FetchStoreContract
from tests.fakes_fetch import FakeFetchStore
from tiro.adapters.dynamodb import DynamoDBFetchStore
from tiro.ports import FetchStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeFetchStore(FetchStoreContract):
    @pytest.fixture
    def store(self) -> FetchStore:
        return FakeFetchStore()


class TestDynamoDBFetchStore(FetchStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> FetchStore:
        return DynamoDBFetchStore(dynamodb, table)
