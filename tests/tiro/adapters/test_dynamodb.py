"""What moto cannot do to us: tables that throttle, transactions that meet, networks that fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from tests.factories import NOW, make_drop, make_job, make_queued_job, make_run
from tiro.adapters.dynamodb import DynamoDBFetchStore, DynamoDBJobStore, DynamoDBKeyStore, DynamoDBRunStore
from tiro.errors import Conflict, LeaseLost, ServiceUnavailable
from tiro.key import ApiKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Call = Callable[["DynamoDBClient"], Any]
QUEUED = make_queued_job()
CLAIMED = QUEUED.claimed(at=NOW)
RETURNED = CLAIMED.returned(counted=True)
NOTHING: dict[str, Any] = {}
KEY = ApiKey(id="key_1", owner="ada", created_at=NOW)

WRITES: dict[str, tuple[str, Call]] = {
    "create": ("transact_write_items", lambda c: DynamoDBJobStore(c, "table").create(make_job())),
    "create drop": ("transact_write_items", lambda c: DynamoDBJobStore(c, "table").create(make_job(drop=make_drop()))),
    "save": ("put_item", lambda c: DynamoDBJobStore(c, "table").save(QUEUED, CLAIMED)),
    "claim": (
        "transact_write_items",
        lambda c: DynamoDBRunStore(c, "table").claim(QUEUED, CLAIMED, make_run(), now=NOW),
    ),
    "renew": ("put_item", lambda c: DynamoDBRunStore(c, "table").renew("01a", make_run())),
    "finish": ("transact_write_items", lambda c: DynamoDBRunStore(c, "table").finish(CLAIMED, RETURNED, "attempt-1")),
    "add key": ("transact_write_items", lambda c: DynamoDBKeyStore(c, "table").add("0", KEY)),
}
READS: dict[str, tuple[str, Call]] = {
    "get": ("get_item", lambda c: DynamoDBJobStore(c, "table").get("01a")),
    "newest": ("get_item", lambda c: DynamoDBJobStore(c, "table").newest(make_drop())),
    "overdue": ("query", lambda c: DynamoDBJobStore(c, "table").overdue(NOW, 10)),
    "waiting": ("query", lambda c: DynamoDBJobStore(c, "table").waiting(NOW, 10)),
    "lapsed": ("query", lambda c: DynamoDBRunStore(c, "table").lapsed(NOW, 10)),
    "silent": ("query", lambda c: DynamoDBFetchStore(c, "table").silent(NOW, 10)),
    "get run": ("get_item", lambda c: DynamoDBRunStore(c, "table").get("01a")),
    "find key": ("get_item", lambda c: DynamoDBKeyStore(c, "table").find("0")),
    "list keys": ("query", lambda c: DynamoDBKeyStore(c, "table").list()),
}
CALLS = WRITES | READS


@pytest.mark.parametrize("call", CALLS)
def test_a_network_that_fails_is_worth_another_try(dynamodb: DynamoDBClient, call: str) -> None:
    with pytest.raises(ServiceUnavailable):
        CALLS[call][1](dynamodb)


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "InternalServerError", "AccessDeniedException"]
)
@pytest.mark.parametrize("call", CALLS)
def test_a_table_that_does_not_answer_is_worth_another_try(dynamodb: DynamoDBClient, call: str, code: str) -> None:
    operation, do = CALLS[call]
    with Stubber(dynamodb) as stub:
        stub.add_client_error(operation, code)
        with pytest.raises(ServiceUnavailable, match=code):
            do(dynamodb)


def cancel(stub: Stubber, *reasons: str) -> None:
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": reason} for reason in reasons]},
    )


@pytest.mark.parametrize(
    "call", [name for name, (operation, _) in WRITES.items() if operation == "transact_write_items"]
)
@pytest.mark.parametrize("reasons", [("TransactionConflict", "None"), ("None", "ThrottlingError")])
def test_a_transaction_that_met_another_is_worth_another_try(
    dynamodb: DynamoDBClient, call: str, reasons: tuple[str, str]
) -> None:
    with Stubber(dynamodb) as stub:
        cancel(stub, *reasons)
        with pytest.raises(ServiceUnavailable):
            WRITES[call][1](dynamodb)


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        (("ConditionalCheckFailed", "None"), Conflict),
        (("None", "ConditionalCheckFailed"), LeaseLost),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), LeaseLost),
        (("TransactionConflict", "ConditionalCheckFailed"), LeaseLost),
    ],
)
def test_who_lost_what_is_told_apart(
    dynamodb: DynamoDBClient, reasons: tuple[str, str], expected: type[Exception]
) -> None:
    with Stubber(dynamodb) as stub:
        cancel(stub, *reasons)
        stub.add_response("get_item", NOTHING)
        with pytest.raises(Conflict) as caught:
            WRITES["finish"][1](dynamodb)
        assert type(caught.value) is expected
