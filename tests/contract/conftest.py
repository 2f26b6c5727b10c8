"""AWS in this process, by moto: a table, buckets and a queue of each test's own, made as the stack makes them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler

from tiro.adapters import aws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

_numbers = itertools.count(1)


def _one_at_a_time(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """DynamoDB is atomic. moto takes a refused transaction back by setting the whole table to what it was before,
    and with it whatever another thread has written since."""
    lock = threading.Lock()

    def locked(handler: Any) -> Any:
        with lock:
            return call(handler)

    return locked


@pytest.fixture(scope="package")
def _region() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setattr(DynamoHandler, "call_action", _one_at_a_time(DynamoHandler.call_action))
        with mock_aws():
            yield


@pytest.fixture(scope="package")
def dynamodb(_region: None) -> DynamoDBClient:
    return aws.dynamodb_client()


@pytest.fixture(scope="package")
def s3(_region: None) -> S3Client:
    return aws.s3_client()


@pytest.fixture(scope="package")
def sqs(_region: None) -> SQSClient:
    return aws.sqs_client()


@pytest.fixture
def table(dynamodb: DynamoDBClient) -> str:
    name = f"table-{next(_numbers)}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "due_shard", "AttributeType": "S"},
            {"AttributeName": "due_at", "AttributeType": "N"},
            {"AttributeName": "owner_month", "AttributeType": "S"},
            {"AttributeName": "job_id", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due_shard", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "by_owner",
                "KeySchema": [
                    {"AttributeName": "owner_month", "KeyType": "HASH"},
                    {"AttributeName": "job_id", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["summary"]},
            },
        ],
    )
    return name


@pytest.fixture
def bucket(s3: S3Client) -> str:
    """A bucket that keeps versions."""
    name = f"bucket-{next(_numbers)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def queue_url(sqs: SQSClient) -> str:
    return sqs.create_queue(QueueName=f"queue-{next(_numbers)}", Attributes={"VisibilityTimeout": "120"})["QueueUrl"]
