"""Settings -> adapters: the one place where the Lambdas meet AWS. Each piece is made once, on first use."""

from __future__ import annotations

import os
from functools import cache
from typing import TypeVar

from aws_lambda_powertools import Logger

from tiro.adapters import aws
from tiro.adapters.dynamodb import DynamoDBJobStore, DynamoDBKeyStore, DynamoDBRunStore
from tiro.adapters.s3 import S3MediaStore, S3TranscriptStore
from tiro.adapters.sqs import SQSJobQueue
from tiro.adapters.system import SystemClock
from tiro.settings import Settings

S = TypeVar("S", bound=Settings)


@cache
def settings(kind: type[S]) -> S:
    return kind.from_env(os.environ)


@cache
def logger(service: str) -> Logger:
    return Logger(service=service, level=settings(Settings).log_level)


@cache
def clock() -> SystemClock:
    return SystemClock()


@cache
def jobs() -> DynamoDBJobStore:
    return DynamoDBJobStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def runs() -> DynamoDBRunStore:
    return DynamoDBRunStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def keys() -> DynamoDBKeyStore:
    return DynamoDBKeyStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def media(bucket: str) -> S3MediaStore:
    return S3MediaStore(aws.s3_client(), bucket)


@cache
def transcripts(bucket: str) -> S3TranscriptStore:
    return S3TranscriptStore(aws.s3_client(), bucket)


@cache
def queue(url: str) -> SQSJobQueue:
    return SQSJobQueue(aws.sqs_client(), url)
