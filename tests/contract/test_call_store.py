"""CallStore and WaitingRoom: the fakes and DynamoDB."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.contract.call_store import CallStoreContract, OpenRoom, WaitingRoomContract
from tests.fakes_calls import FakeCallStore, FakeWaitingRoom
from tiro.adapters.dynamodb import DynamoDBCallStore, DynamoDBWaitingRoom
from tiro.ports import CallStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeCallStore(CallStoreContract):
    @pytest.fixture
    def store(self) -> CallStore:
        return FakeCallStore()


class TestDynamoDBCallStore(CallStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> CallStore:
        return DynamoDBCallStore(dynamodb, table)


class TestFakeWaitingRoom(WaitingRoomContract):
    @pytest.fixture
    def open_room(self) -> OpenRoom:
        return FakeWaitingRoom


class TestDynamoDBWaitingRoom(WaitingRoomContract):
    @pytest.fixture
    def open_room(self, dynamodb: DynamoDBClient, table: str) -> OpenRoom:
        return partial(DynamoDBWaitingRoom, dynamodb, table)
