"""The table: conditional writes that answer whether they were done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from tiro.adapters.aws import code_of, unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef, TransactWriteItemTypeDef

    Item: TypeAlias = dict[str, AttributeValueTypeDef]

DUE_INDEX = "due"

UNSEEN = "attribute_not_exists(pk)"


def item_key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def epoch(at: datetime) -> AttributeValueTypeDef:
    return {"N": f"{at.timestamp():.6f}"}  # a datetime's microseconds, all of them


class Table:
    """Conditional writes that answer whether they were done; every other failure is ServiceUnavailable."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Item) -> Item | None:
        with _dynamodb_errors():
            return self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")

    def due(self, shard: int, now: datetime, limit: int) -> Sequence[Item]:
        with _dynamodb_errors():
            answer = self._client.query(
                TableName=self._name,
                IndexName=DUE_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at < :now",
                ExpressionAttributeValues={":shard": {"S": str(shard)}, ":now": epoch(now)},
                Limit=limit,
            )
        return answer["Items"]

    def put(self, item: Item, condition: str, values: Item | None = None) -> bool:
        try:
            with _dynamodb_errors():
                self._client.put_item(**self.a_put(item, condition, values)["Put"])
        except Refused:
            return False
        return True

    def transact(self, *writes: TransactWriteItemTypeDef) -> frozenset[int]:
        """Do all or nothing; return which writes had their condition refused: none when all was done."""
        try:
            with _dynamodb_errors():
                self._client.transact_write_items(TransactItems=writes)
        except Refused as refused:
            return refused.writes
        return frozenset()

    def a_put(self, item: Item, condition: str, values: Item | None = None) -> TransactWriteItemTypeDef:
        put: PutTypeDef = {"TableName": self._name, "Item": item, "ConditionExpression": condition}
        if values is not None:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def a_delete(self, key: Item, condition: str, values: Item) -> TransactWriteItemTypeDef:
        return {
            "Delete": {
                "TableName": self._name,
                "Key": key,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }


class Refused(Exception):
    """A condition did not hold. `writes` are the places in the transaction of those that failed theirs."""

    def __init__(self, writes: frozenset[int]) -> None:
        super().__init__(writes)
        self.writes = writes


@contextmanager
def _dynamodb_errors() -> Iterator[None]:
    """Let no error of botocore's out. Raises Refused where a condition said no, else ServiceUnavailable."""
    try:
        yield
    except ClientError as error:
        refused = _refused(error)
        raise Refused(refused) if refused else unavailable(error) from error
    except BotoCoreError as error:
        raise unavailable(error) from error


def _refused(error: ClientError) -> frozenset[int]:
    if code_of(error) == "ConditionalCheckFailedException":
        return frozenset({0})
    # A transaction that met another one is cancelled too; only a condition that failed will fail again.
    reasons = error.response.get("CancellationReasons", [])
    return frozenset(i for i, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")
