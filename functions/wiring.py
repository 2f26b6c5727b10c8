"""Settings -> adapters: the one place where the Lambdas meet AWS. Each piece is made once, on first use."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from aws_lambda_powertools import Logger

from tiro.adapters import aws
from tiro.adapters.backlog import SQSBacklog
from tiro.adapters.codebuild import CodeBuildProject
from tiro.adapters.dynamodb import (
    DynamoDBAskedStore,
    DynamoDBBatchStore,
    DynamoDBCallStore,
    DynamoDBDeliveryStore,
    DynamoDBEndpointStore,
    DynamoDBFetchStore,
    DynamoDBJobIndex,
    DynamoDBJobStore,
    DynamoDBKeyStore,
    DynamoDBLaunchStore,
    DynamoDBLengthStore,
    DynamoDBPaceStore,
    DynamoDBRunStore,
    DynamoDBUsageStore,
    DynamoDBWaitingRoom,
)
from tiro.adapters.ecs import ECSCrew, ECSWorkerFleet
from tiro.adapters.egress import Egress, Terms
from tiro.adapters.eventbridge import EventBridgeBus
from tiro.adapters.notifier import EgressNotifier
from tiro.adapters.s3 import S3MediaStore, S3TranscriptStore
from tiro.adapters.s3_checkpoints import S3CheckpointStore
from tiro.adapters.s3_parts import S3PartStore
from tiro.adapters.sqs import SQSDeliveryQueue, SQSFetchQueue, SQSJobQueue
from tiro.adapters.system import SystemClock
from tiro.address import Reach
from tiro.settings import ApiSettings, AuthorizerSettings, DeliverySettings, DispatchSettings, Settings

if TYPE_CHECKING:
    from tiro.adapters.openid import TokenIssuer

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
def index() -> DynamoDBJobIndex:
    return DynamoDBJobIndex(aws.dynamodb_client(), settings(Settings).table)


@cache
def usage() -> DynamoDBUsageStore:
    return DynamoDBUsageStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def calls() -> DynamoDBCallStore:
    return DynamoDBCallStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def waiting_room() -> DynamoDBWaitingRoom:
    config = settings(ApiSettings)
    return DynamoDBWaitingRoom(aws.dynamodb_client(), config.table, config.max_waiters, config.max_waiters_each)


@cache
def asked() -> DynamoDBAskedStore:
    return DynamoDBAskedStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def keys() -> DynamoDBKeyStore:
    return DynamoDBKeyStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def issuer() -> TokenIssuer | None:
    """Return whoever else's tokens open; None where only API keys do."""
    terms = settings(AuthorizerSettings)
    if not terms.issuer:
        return None
    from tiro.adapters.openid import TokenIssuer  # with cryptography, which an API key need not wait for

    return TokenIssuer(terms, clock())


@cache
def batches() -> DynamoDBBatchStore:
    return DynamoDBBatchStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def pace() -> DynamoDBPaceStore:
    return DynamoDBPaceStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def fetches() -> DynamoDBFetchStore:
    return DynamoDBFetchStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def media(bucket: str) -> S3MediaStore:
    return S3MediaStore(aws.s3_client(), bucket)


@cache
def parts(bucket: str) -> S3PartStore:
    return S3PartStore(aws.s3_client(), bucket)


@cache
def checkpoints() -> S3CheckpointStore:
    return S3CheckpointStore(aws.s3_client(), settings(ApiSettings).transcript_bucket)


@cache
def transcripts(bucket: str) -> S3TranscriptStore:
    return S3TranscriptStore(aws.s3_client(), bucket)


@cache
def queue(url: str, batch_url: str) -> SQSJobQueue:
    return SQSJobQueue(aws.sqs_client(), url, batch_url)


@cache
def fetch_queue(url: str) -> SQSFetchQueue:
    return SQSFetchQueue(aws.sqs_client(), url)


@cache
def lengths() -> DynamoDBLengthStore:
    return DynamoDBLengthStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def launches() -> DynamoDBLaunchStore:
    return DynamoDBLaunchStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def fleet() -> ECSWorkerFleet:
    return ECSWorkerFleet(aws.ecs_client(), settings(DispatchSettings), clock())


@cache
def crew(cluster: str) -> ECSCrew:
    return ECSCrew(aws.ecs_client(), cluster)


@cache
def builder(project: str) -> CodeBuildProject:
    return CodeBuildProject(aws.codebuild_client(), project)


@cache
def endpoints() -> DynamoDBEndpointStore:
    return DynamoDBEndpointStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def deliveries() -> DynamoDBDeliveryStore:
    return DynamoDBDeliveryStore(aws.dynamodb_client(), settings(Settings).table)


@cache
def backlog(*urls: str) -> SQSBacklog:
    return SQSBacklog(aws.sqs_client(), aws.cloudwatch_client(), *urls)


@cache
def delivery_queue(url: str) -> SQSDeliveryQueue:
    return SQSDeliveryQueue(aws.sqs_client(), url)


@cache
def event_bus(name: str) -> EventBridgeBus:
    return EventBridgeBus(aws.events_client(), name)


@cache
def notifier() -> EgressNotifier:
    config = settings(DeliverySettings)
    egress = Egress(
        Reach.of(config.allow_networks), Terms(seconds=config.delivery_seconds, idle_seconds=config.delivery_seconds)
    )
    return EgressNotifier(egress, config.webhook_schemes, clock().now)
