"""One Lambda as each of ours is: its own role and log group, and nothing allowed but what is granted by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.grants import Grantee
from infra.nag import acknowledge


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What all functions of a stack share."""

    code: Path  # the zip that infra.bundling made
    log_retention: str  # a name in aws_logs.RetentionDays
    retain: bool  # keep the logs when the stack goes
    tracing: bool
    key: kms.IKey | None = None  # what the logs are encrypted by, and all else; None: AWS's own


class Function(Grantee):
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
        self.key = runtime.key
        log = logs.LogGroup(
            self,
            "Log",
            encryption_key=runtime.key,
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
            # Three lines of every invocation, which the metrics tell too, would be most of the log and of its price.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            tracing=lambda_.Tracing.ACTIVE if runtime.tracing else lambda_.Tracing.DISABLED,
        )
        acknowledge(self.function, "L1", "The locked wheels, the tests and the worker's image are for Python 3.11.")
        if runtime.tracing:
            acknowledge(self.role, "IAM5[Resource::*]", "X-Ray's actions have no resource to name.")

    def allow_recursion(self) -> None:
        """Let it wake itself by a queue, which Lambda takes for a mistake and stops after some 16 times."""
        cast(lambda_.CfnFunction, self.function.node.default_child).recursive_loop = "Allow"
