"""PaceStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.pace_store import PaceStoreContract
from tests.fakes_pace import FakePaceStore
from tiro.adapters.dynamodb import DynamoDBPaceStore
from tiro.ports import PaceStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakePaceStore(PaceStoreContract):
    @pytest.fixture
    def store(self) -> PaceStore:
        return FakePaceStore()


class TestDynamoDBPaceStore(PaceStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> PaceStore:
        return DynamoDBPaceStore(dynamodb, table)
