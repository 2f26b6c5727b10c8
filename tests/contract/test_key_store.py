"""KeyStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.key_store import KeyStoreContract
from tests.fakes_keys import FakeKeyStore
from tiro.adapters.dynamodb import DynamoDBKeyStore
from tiro.ports import KeyStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self) -> KeyStore:
        return FakeKeyStore()


class TestDynamoDBKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> KeyStore:
        return DynamoDBKeyStore(dynamodb, table)
