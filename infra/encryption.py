"""A key of one's own for what is kept: who may use it besides the roles, which infra/grants.py allows what they need.

AWS encrypts all of it in any case, by keys of its own. One in KMS adds that it can be taken away, and that its every
use is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

MAKE = "make"
"""What `kms_key` is where the stack is to make one. Else it is the ARN of one that there is."""


def find_key(scope: Construct, *, wanted: str, stage: str, retain: bool) -> kms.IKey | None:
    """Return the stage's key; None where AWS's own are to do. The policy of one that is given stays its owner's."""
    if not wanted:
        return None
    if wanted != MAKE:
        return kms.Key.from_key_arn(scope, "Key", wanted)
    key = kms.Key(
        scope,
        "Key",
        description=f"Tiro, {stage}: table, buckets, queues, topic and logs",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
    )
    for statement in policy():
        key.add_to_resource_policy(statement)
    return key


def policy() -> Sequence[iam.PolicyStatement]:
    """What AWS's services do by themselves: S3 tells a queue, alarms and budgets tell the topic, logs are written.

    Each is bound to what is encrypted, for SQS, SNS and CloudWatch Logs name that to KMS (their guides, "encryption
    context").
    """
    sends = ["kms:Decrypt", "kms:GenerateDataKey"]
    topics = {"kms:EncryptionContext:aws:sns:topicArn": _here("sns")}
    writes = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"]
    return [
        _let("s3.amazonaws.com", sends, {"kms:EncryptionContext:aws:sqs:arn": _here("sqs")}),
        _let("cloudwatch.amazonaws.com", sends, topics),
        _let("budgets.amazonaws.com", sends, topics),
        _let(f"logs.{Aws.REGION}.amazonaws.com", writes, {"kms:EncryptionContext:aws:logs:arn": _here("logs")}),
    ]


def _here(service: str) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"


def _let(service: str, actions: list[str], where: dict[str, Any]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service)], actions=actions, resources=["*"], conditions={"ArnLike": where}
    )
