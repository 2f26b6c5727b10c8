"""LengthStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.length_store import LengthStoreContract
from tests.fakes_fleet import FakeLengthStore
from tiro.adapters.dynamodb import DynamoDBLengthStore
from tiro.ports import LengthStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeLengthStore(LengthStoreContract):
    @pytest.fixture
    def lengths(self) -> LengthStore:
        return FakeLengthStore()


class TestDynamoDBLengthStore(LengthStoreContract):
    @pytest.fixture
    def lengths(self, dynamodb: DynamoDBClient, table: str) -> LengthStore:
        return DynamoDBLengthStore(dynamodb, table)
