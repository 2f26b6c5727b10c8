"""One Lambda as each of ours is: its own role and log group, and nothing allowed but what is granted by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import acknowledge, wildcard


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What all functions of a stack share."""

    code: Path  # the zip that infra.bundling made
    log_retention: str  # a name in aws_logs.RetentionDays
    retain: bool  # keep the logs when the stack goes
    tracing: bool


class Function(Construct):
    """`functions.{module}.handler`, under the module's own name. May do nothing until it is allowed to."""

    def __init__(
        self,
        scope: Construct,
        module: str,
        *,
        runtime: Runtime,
        environment: Mapping[str, str],
        timeout: int,  # seconds
        memory: int,  # MiB; a share of CPU comes with it
    ) -> None:
        super().__init__(scope, module.title().replace("_", ""))
        log = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays[runtime.log_retention],
            removal_policy=RemovalPolicy.RETAIN if runtime.retain else RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Tiro: functions/{module}.py",
            handler=f"functions.{module}.handler",
            runtime=lambda_.Runtime.PYTHON_3_11,
            architecture=lambda_.Architecture.X86_64,
            code=lambda_.Code.from_asset(str(runtime.code)),
            role=self.role,
            environment=dict(environment),
            timeout=Duration.seconds(timeout),
            memory_size=memory,
            log_group=log,
            logging_format=lambda_.LoggingFormat.JSON,
            tracing=lambda_.Tracing.ACTIVE if runtime.tracing else lambda_.Tracing.DISABLED,
        )
        acknowledge(self.function, "L1", "The locked wheels, the tests and the worker's image are for Python 3.11.")
        if runtime.tracing:
            acknowledge(self.role, "IAM5[Resource::*]", "X-Ray's and CloudWatch's actions have no resource to name.")

    def allow_recursion(self) -> None:
        """Let it wake itself by a queue, which Lambda takes for a mistake and stops after some 16 times."""
        cast(lambda_.CfnFunction, self.function.node.default_child).recursive_loop = "Allow"

    def allow(self, *actions: str, on: str) -> None:
        """Grant `actions` on one ARN."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on]))

    def allow_items(self, *actions: str, of: dynamodb.ITable, under: Sequence[str]) -> None:
        """Grant `actions` on a table's items whose partition key matches one of `under`."""
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(under)}}
        actions_on_items = [f"dynamodb:{action}" for action in actions]
        self.role.add_to_policy(
            iam.PolicyStatement(actions=actions_on_items, resources=[of.table_arn], conditions=keys)
        )

    def allow_listing(self, action: str, *, of: s3.IBucket, under: Sequence[str]) -> None:
        """Grant the listing of a bucket's objects whose key matches one of `under`."""
        only = {"StringLike": {"s3:prefix": list(under)}}
        self.role.add_to_policy(
            iam.PolicyStatement(actions=[f"s3:{action}"], resources=[of.bucket_arn], conditions=only)
        )

    def allow_objects(self, *actions: str, of: s3.IBucket, under: Sequence[str]) -> None:
        """Grant `actions` on a bucket's objects whose key matches one of `under`."""
        objects = [of.arn_for_objects(pattern) for pattern in under]
        self.role.add_to_policy(iam.PolicyStatement(actions=[f"s3:{action}" for action in actions], resources=objects))
        for arn in objects:
            acknowledge(self.role, wildcard(self, arn), "Of an object that is yet to come only the prefix is known.")
