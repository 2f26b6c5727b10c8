"""DeliveryStore: the fake and DynamoDB, beside jobs whose uploads are due on the same index."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.contract.delivery_store import DeliveryStoreContract, make_delivery
from tests.factories import NOW, make_job
from tests.fakes_delivery import FakeDeliveryStore
from tiro.adapters.dynamodb import DynamoDBDeliveryStore, DynamoDBJobStore
from tiro.ports import DeliveryStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class TestFakeDeliveryStore(DeliveryStoreContract):
    @pytest.fixture
    def store(self) -> DeliveryStore:
        return FakeDeliveryStore()


class TestDynamoDBDeliveryStore(DeliveryStoreContract):
    @pytest.fixture
    def store(self, dynamodb: DynamoDBClient, table: str) -> DeliveryStore:
        return DynamoDBDeliveryStore(dynamodb, table)


def test_jobs_and_deliveries_share_an_index_and_do_not_meet(dynamodb: DynamoDBClient, table: str) -> None:
    jobs, deliveries = DynamoDBJobStore(dynamodb, table), DynamoDBDeliveryStore(dynamodb, table)
    job = jobs.create(make_job(upload_expires_at=NOW))
    deliveries.create(delivery := make_delivery(id=job.id))
    later = NOW + timedelta(days=1)
    assert list(jobs.overdue(later, 100)) == [job]
    assert list(deliveries.due(later, 100)) == [delivery]
