"""The table: conditional writes that answer whether they were done."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from tiro.adapters.aws import code_of, unavailable
from tiro.errors import NotStorable, ServiceUnavailable
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

    Item: TypeAlias = dict[str, AttributeValueTypeDef]

DUE_INDEX = "due"
OWNER_INDEX = "by_owner"

DUE_SHARDS = 8
"""Of each kind. One value of an index key takes about 1,000 writes a second; so there may be eight times as many."""

CONFLICT_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds, each more or less, before what met another transaction is tried again."""

UNSEEN = "attribute_not_exists(pk)"

_TOO_LARGE = "Item size"
"""What DynamoDB's message holds where an item is over 400 KB: "Item size has exceeded the maximum allowed size", and
"Item size to update has exceeded …". Its code, ValidationException, stands for much else."""

LONGEST_ID = 100
"""Characters. None of ours is longer, and DynamoDB takes no key of more than 1,024 bytes."""


def item_key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def document(model: BaseModel) -> AttributeValueTypeDef:
    """Keep a model whole. What is as by default is not written: an item of over 1 KB costs twice as much to write."""
    return {"S": encode(model, exclude_defaults=True)}


def epoch(at: datetime) -> AttributeValueTypeDef:
    return {"N": f"{at.timestamp():.6f}"}  # a datetime's microseconds, all of them


def due_attributes(kind: str, id_: str, at: datetime) -> Item:
    """Return what puts an item on the index `due`. Each kind has shards of its own: who asks for one meets no other."""
    return {"due_shard": {"S": f"{kind}{zlib.crc32(id_.encode()) % DUE_SHARDS}"}, "due_at": epoch(at)}


class Table:
    """Conditional writes that answer whether they were done; every other failure is ServiceUnavailable."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, key: Item) -> Item | None:
        with _dynamodb_errors():
            return self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")

    def all_under(self, pk: str, prefix: str = "") -> Iterator[Item]:
        """Yield every item of a partition, or those whose sort key begins so, in the order of their sort keys."""
        values: Item = {":pk": {"S": pk}}
        if prefix:
            values[":prefix"] = {"S": prefix}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        with _dynamodb_errors():
            for page in pages:
                yield from page["Items"]

    def most_due(self, kind: str, before: datetime, limit: int) -> Sequence[Item]:
        """Return the keys of what is due of a kind, the longest overdue first."""
        due = [entry for shard in range(DUE_SHARDS) for entry in self._due(f"{kind}{shard}", before, limit)]
        due.sort(key=lambda entry: float(entry["due_at"]["N"]))
        return [{"pk": entry["pk"], "sk": entry["sk"]} for entry in due[:limit]]

    def _due(self, shard: str, now: datetime, limit: int) -> Sequence[Item]:
        with _dynamodb_errors():
            answer = self._client.query(
                TableName=self._name,
                IndexName=DUE_INDEX,
                KeyConditionExpression="due_shard = :shard AND due_at < :now",
                ExpressionAttributeValues={":shard": {"S": shard}, ":now": epoch(now)},
                Limit=limit,
            )
        return answer["Items"]

    def newest_of(self, shelf: str, low: str, high: str, limit: int) -> tuple[Sequence[Item], bool]:
        """Return what lies on a shelf of the owners' index between two ids, the highest first, and if there is more."""
        if low > high:
            return [], False
        with _dynamodb_errors():
            answer = self._client.query(
                TableName=self._name,
                IndexName=OWNER_INDEX,
                KeyConditionExpression="owner_month = :shelf AND job_id BETWEEN :low AND :high",
                ExpressionAttributeValues={":shelf": {"S": shelf}, ":low": {"S": low}, ":high": {"S": high}},
                ScanIndexForward=False,
                Limit=limit,
            )
        return answer["Items"], "LastEvaluatedKey" in answer

    def put(self, item: Item, condition: str | None, values: Item | None = None) -> bool:
        try:
            with _dynamodb_errors():
                self._client.put_item(**self.a_put(item, condition, values)["Put"])
        except Refused:
            return False
        return True

    def delete(self, key: Item) -> None:
        with _dynamodb_errors():
            self._client.delete_item(TableName=self._name, Key=key)

    def transact(self, *writes: TransactWriteItemTypeDef) -> frozenset[int]:
        """Do all or nothing; return which writes had their condition refused: none when all was done."""
        if len(writes) == 1:  # alone it needs no transaction, which costs twice as much
            return self._write(writes[0])
        for pause in (*CONFLICT_PAUSES, None):
            try:
                with _dynamodb_errors():
                    self._client.transact_write_items(TransactItems=writes)
            except Refused as refused:
                return refused.writes
            except Met:
                if pause is None:
                    raise ServiceUnavailable("Too many are writing the same at once. Try again in a moment.") from None
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (keeps writers apart, not secrets)
            else:
                break
        return frozenset()

    def _write(self, write: TransactWriteItemTypeDef) -> frozenset[int]:
        try:
            with _dynamodb_errors():
                if "Delete" in write:
                    self._client.delete_item(**write["Delete"])
                elif "Update" in write:
                    self._client.update_item(**write["Update"])
                else:
                    self._client.put_item(**write["Put"])
        except Refused as refused:
            return refused.writes
        return frozenset()

    def a_put(self, item: Item, condition: str | None, values: Item | None = None) -> TransactWriteItemTypeDef:
        put: PutTypeDef = {"TableName": self._name, "Item": item}
        if condition is not None:
            put["ConditionExpression"] = condition
        if values is not None:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def an_addition(self, key: Item, numbers: Mapping[str, int]) -> TransactWriteItemTypeDef:
        """Add to numbers that stand in an item; what is not there counts as 0."""
        names = {f"#{place}": name for place, name in enumerate(numbers)}
        values: Item = {f":{place}": {"N": str(number)} for place, number in enumerate(numbers.values())}
        return {
            "Update": {
                "TableName": self._name,
                "Key": key,
                "UpdateExpression": "ADD " + ", ".join(f"#{place} :{place}" for place in range(len(numbers))),
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": values,
            }
        }

    def a_change(
        self, key: Item, expression: str, values: Item, condition: str | None = None
    ) -> TransactWriteItemTypeDef:
        """Update single attributes of an item, which need not be there."""
        update: UpdateTypeDef = {
            "TableName": self._name,
            "Key": key,
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
        }
        if condition is not None:
            update["ConditionExpression"] = condition
        return {"Update": update}

    def a_delete(self, key: Item, condition: str, values: Item) -> TransactWriteItemTypeDef:
        return {
            "Delete": {
                "TableName": self._name,
                "Key": key,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }


class Met(Exception):
    """A transaction met another one on the same item, and neither is at fault."""


class Refused(Exception):
    """A condition did not hold. `writes` are the places in the transaction of those that failed theirs."""

    def __init__(self, writes: frozenset[int]) -> None:
        super().__init__(writes)
        self.writes = writes


@contextmanager
def _dynamodb_errors() -> Iterator[None]:
    """Translate botocore's errors. Raises Refused where a condition failed, NotStorable, else ServiceUnavailable."""
    try:
        yield
    except ClientError as error:
        refused = _refused(error)
        if refused:
            raise Refused(refused) from error
        if _is_too_large(error):
            raise NotStorable("A record would be larger than 400 KB, the most that DynamoDB keeps in one.") from error
        raise Met if "TransactionConflict" in _reasons(error) else unavailable(error) from error
    except BotoCoreError as error:
        raise unavailable(error) from error


def _refused(error: ClientError) -> frozenset[int]:
    if code_of(error) == "ConditionalCheckFailedException":
        return frozenset({0})
    # A transaction that met another one is cancelled too; only a condition that failed will fail again.
    return frozenset(i for i, reason in enumerate(_reasons(error)) if reason == "ConditionalCheckFailed")


def _is_too_large(error: ClientError) -> bool:
    """Whether an item of the write, or of one in a transaction, is larger than DynamoDB takes."""
    reasons = error.response.get("CancellationReasons", [])
    return any(_TOO_LARGE in text for text in (str(error), *(str(reason.get("Message")) for reason in reasons)))


def _reasons(error: ClientError) -> Sequence[str | None]:
    """Return why each write of a transaction could not be done."""
    return [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
