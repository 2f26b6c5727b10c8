"""Clients for AWS, made in one way. Region, credentials and endpoint are boto3's own business: it reads them
from the environment, so that another endpoint is all that tells a laptop from the cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from tiro.errors import NotConfigured, ServiceUnavailable

if TYPE_CHECKING:
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_ecs.client import ECSClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

CONNECTIONS = 16
"""To one service at once: as many as there are threads that make the jobs of a batch (tiro/service/batch.py)."""

_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    SSOError,
)
_NOT_KNOWN = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_FORBIDDEN = {"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_ABSENT = {"ResourceNotFoundException", "NoSuchBucket", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
"""What services call them (their API references, "Common errors")."""

LONGEST_POLL = 20
"""Seconds SQS may hold a receive open (SQS developer guide, "Short and long polling")."""


def dynamodb_client() -> DynamoDBClient:
    return boto3.client("dynamodb", config=_config(read_timeout=5))


def dynamodb_client_for(environ: Mapping[str, str]) -> DynamoDBClient:
    """The client for the AWS_* variables of another environment than the process's own; boto3 finds what it lacks.

    Raises NotConfigured when that is not enough.
    """
    try:
        return boto3.client(
            "dynamodb",
            config=_config(read_timeout=5),
            **_account(environ),
        )
    except (BotoCoreError, ValueError) as error:
        raise not_configured(error) from None


def client_for(service: Literal["dynamodb", "s3", "sqs"], environ: Mapping[str, str]) -> Any:
    """Any of the clients, for another environment than the process's own, as above. Raises NotConfigured."""
    try:
        return boto3.client(service, config=_config(read_timeout=30), **_account(environ))
    except (BotoCoreError, ValueError) as error:
        raise not_configured(error) from None


def not_configured(error: BotoCoreError | ValueError) -> NotConfigured:
    """Say why there is not even a client."""
    region = " Set AWS_REGION to where the stack is." if isinstance(error, NoRegionError) else ""
    return NotConfigured(f"AWS cannot be asked: {error}{region}")


def _account(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "endpoint_url": environ.get("AWS_ENDPOINT_URL"),
        "region_name": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION"),
        "aws_access_key_id": environ.get("AWS_ACCESS_KEY_ID"),
        "aws_secret_access_key": environ.get("AWS_SECRET_ACCESS_KEY"),
        "aws_session_token": environ.get("AWS_SESSION_TOKEN"),
    }


def s3_client() -> S3Client:
    return boto3.client(
        "s3",
        config=_config(
            read_timeout=20,
            signature_version="s3v4",
            # A presigned PUT must demand no CRC32, as other SDKs' do by default: no browser and no curl sends one.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # Presigned URLs otherwise name the global endpoint, which redirects for a bucket that is young and
            # not in us-east-1. Where the endpoint is an IP address, botocore still falls back to paths.
            s3={"addressing_style": "virtual"},
        ),
    )


def codebuild_client() -> CodeBuildClient:
    return boto3.client("codebuild", config=_config(read_timeout=10))


def ecs_client() -> ECSClient:
    return boto3.client("ecs", config=_config(read_timeout=10))


def events_client() -> EventBridgeClient:
    return boto3.client("events", config=_config(read_timeout=5))


def cloudwatch_client() -> Any:  # of all its calls we make one
    return boto3.client("cloudwatch", config=_config(read_timeout=5))


def sqs_client() -> SQSClient:
    return boto3.client("sqs", config=_config(read_timeout=LONGEST_POLL + 10))


@contextmanager
def aws_errors(forgive: tuple[str, ...] = ()) -> Iterator[None]:
    """Let no error of botocore's out; `forgive` are AWS's names of those that are none. Raises ServiceUnavailable."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in forgive:
            raise unavailable(error) from error
    except BotoCoreError as error:
        raise unavailable(error) from error


def unavailable(error: ClientError | BotoCoreError) -> ServiceUnavailable:
    """Say what AWS did not do for us, without what it was asked to do it with."""
    if isinstance(error, ClientError):
        what = f"{error.operation_name} failed with {code_of(error)}"
    else:
        what = f"AWS could not be asked ({type(error).__name__})"
    return ServiceUnavailable(f"{what}. Try again in a moment.")


@contextmanager
def asked_by_a_person() -> Iterator[None]:
    """What AWS refuses to a person's own credentials will not pass, as a stack's trouble may: say what they lack.

    Raises NotConfigured in place of ServiceUnavailable.
    """
    try:
        yield
    except ServiceUnavailable as error:
        if lack := _lack(error.__cause__):
            raise NotConfigured(lack) from error
        raise


def _lack(error: BaseException | None) -> str:
    if isinstance(error, _NO_CREDENTIALS):
        return f"AWS knows no credentials here ({type(error).__name__}). Set AWS_PROFILE, or log in: aws sso login"
    if not isinstance(error, ClientError):
        return ""
    refused, code = f"{error.operation_name} was refused with {code_of(error)}", code_of(error)
    if code in _NOT_KNOWN:
        return f"AWS does not take your credentials: {refused}. Set AWS_PROFILE, or log in: aws sso login"
    if code in _FORBIDDEN:
        return f"AWS does not let you do this: {refused}. Ask for that right, or set AWS_PROFILE."
    if code in _ABSENT:
        where = 'AWS_REGION names another region, AWS_PROFILE another account; `eval "$(tiro configure)"` finds a stack'
        return f"There is no such thing in this account and region: {refused}. {where}."
    return ""


def code_of(error: ClientError) -> str:
    """Return AWS's name for what went wrong; a bare status where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def _config(**options: Any) -> Config:
    return Config(
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=3,
        max_pool_connections=CONNECTIONS,
        **options,
    )
