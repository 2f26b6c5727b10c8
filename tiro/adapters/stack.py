"""What a deployed stack says of itself: the outputs of its CloudFormation stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tiro.adapters.aws import code_of, not_configured, unavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

ABSENT = {"ValidationError"}  # CloudFormation's word for a stack that there is not


def cloudformation_client(environ: Mapping[str, str]) -> CloudFormationClient:
    """In the region of AWS_REGION, which boto3 does not read, else where boto3 finds one.

    Raises NotConfigured where there is none.
    """
    try:
        return boto3.client("cloudformation", region_name=environ.get("AWS_REGION") or None)
    except BotoCoreError as error:
        raise not_configured(error) from None


def read_outputs(client: CloudFormationClient, stack: str) -> Mapping[str, str] | None:
    """Return a stack's outputs by name; None where there is no such stack. Raises ServiceUnavailable."""
    try:
        [found] = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if code_of(error) in ABSENT:
            return None
        raise unavailable(error) from error
    except BotoCoreError as error:
        raise unavailable(error) from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
