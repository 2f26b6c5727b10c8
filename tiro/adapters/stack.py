"""What a deployed stack says of itself: the outputs of its CloudFormation stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError

from tiro.adapters.aws import aws_errors, not_configured

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

ABSENT = ("ValidationError",)  # CloudFormation's word for a stack that there is not


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
    found: StackTypeDef | None = None
    with aws_errors(forgive=ABSENT):
        [found] = client.describe_stacks(StackName=stack)["Stacks"]
    if found is None:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
