"""BatchStore: the fake and DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.stub import Stubber

from tests.contract.batch_store import BatchStoreContract, Stores
from tests.factories import make_job
from tests.fakes import FakeJobStore, FakeRunStore
from tests.fakes_batch import FakeBatchStore
from tiro.adapters import aws
from tiro.adapters.dynamodb import DynamoDBBatchStore, DynamoDBJobStore, DynamoDBRunStore
from tiro.adapters.dynamodb import table as table_module
from tiro.errors import ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MET = [{"Code": "None"}, {"Code": "TransactionConflict"}]


class TestFakeBatchStore(BatchStoreContract):
    @pytest.fixture
    def stores(self) -> Stores:
        jobs = FakeJobStore()
        return Stores(FakeBatchStore(jobs), jobs, FakeRunStore(jobs))


class TestDynamoDBBatchStore(BatchStoreContract):
    @pytest.fixture
    def stores(self, dynamodb: DynamoDBClient, table: str) -> Stores:
        return Stores(
            DynamoDBBatchStore(dynamodb, table), DynamoDBJobStore(dynamodb, table), DynamoDBRunStore(dynamodb, table)
        )

    @pytest.mark.parametrize(("meets", "works"), [(3, True), (7, False)])
    def test_who_met_another_tries_again_for_a_while(
        self, dynamodb: DynamoDBClient, meets: int, works: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """moto lets no two transactions meet."""
        monkeypatch.setattr(table_module, "CONFLICT_PAUSES", (0.0,) * 6)
        client = aws.dynamodb_client()
        store = DynamoDBJobStore(client, "table")
        with Stubber(client) as stubbed:
            for _ in range(meets):
                stubbed.add_client_error(
                    "transact_write_items", "TransactionCanceledException", modeled_fields={"CancellationReasons": MET}
                )
            if works:
                stubbed.add_response("transact_write_items", {})
                store.create(make_job(batch="01b"))
            else:
                with pytest.raises(ServiceUnavailable):
                    store.create(make_job(batch="01b"))
            stubbed.assert_no_pending_responses()
