"""JobStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.job_store import NEWER, OLDER, JobStoreContract, dropped
from tests.fakes import FakeJobStore
from tiro.adapters.dynamodb import DynamoDBJobStore
from tiro.ports import JobStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeJobStore(JobStoreContract):
    @pytest.fixture
    def store(self) -> JobStore:
        return FakeJobStore()


class TestDynamoDBJobStore(JobStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> JobStore:
        return DynamoDBJobStore(dynamodb, table)

    def test_a_crash_before_the_newest_was_noted_is_mended_by_the_next_event(
        self, store: JobStore, dynamodb: DynamoDBClient, table: str
    ) -> None:
        store.create(dropped("01a", NEWER))
        for item in dynamodb.scan(TableName=table)["Items"]:
            if item["sk"]["S"] == "newest":
                dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        assert store.newest(OLDER)
        store.create(dropped("01b", NEWER))
        assert not store.newest(OLDER)
