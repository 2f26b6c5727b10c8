"""LaunchStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.launch_store import LaunchStoreContract
from tests.fakes_fleet import FakeLaunchStore
from tiro.adapters.dynamodb import DynamoDBLaunchStore
from tiro.ports import LaunchStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeLaunchStore(LaunchStoreContract):
    @pytest.fixture
    def launches(self) -> LaunchStore:
        return FakeLaunchStore()


class TestDynamoDBLaunchStore(LaunchStoreContract):
    @pytest.fixture
    def launches(self, dynamodb: DynamoDBClient, table: str) -> LaunchStore:
        return DynamoDBLaunchStore(dynamodb, table)
