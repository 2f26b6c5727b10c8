"""EndpointStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.endpoint_store import EndpointStoreContract
from tests.fakes_delivery import FakeEndpointStore
from tiro.adapters.dynamodb import DynamoDBEndpointStore
from tiro.ports import EndpointStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeEndpointStore(EndpointStoreContract):
    @pytest.fixture
    def store(self) -> EndpointStore:
        return FakeEndpointStore()


class TestDynamoDBEndpointStore(EndpointStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> EndpointStore:
        return DynamoDBEndpointStore(dynamodb, table)
