"""Clients that reach nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

NOBODY: dict[str, Any] = {
    "endpoint_url": "http://127.0.0.1:1",  # where nothing listens
    "region_name": "eu-west-1",
    "aws_access_key_id": "nobody",
    "aws_secret_access_key": "nothing",
    "config": Config(retries={"total_max_attempts": 1}),
}


@pytest.fixture
def dynamodb() -> DynamoDBClient:
    return boto3.client("dynamodb", **NOBODY)


@pytest.fixture
def s3() -> S3Client:
    return boto3.client("s3", **NOBODY)


@pytest.fixture
def sqs() -> SQSClient:
    return boto3.client("sqs", **NOBODY)
