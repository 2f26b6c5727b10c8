"""An AWS account, asked of five services. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tiro.adapters.aws import asked_by_a_person, aws_errors, code_of, not_configured
from tiro.adapters.stack import read_outputs

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"
"""Where CDK notes it, with the qualifier that it has unless told."""


class AWSAccount:
    """Account, by `session`'s credentials and region. Raises NotConfigured where it has no region."""

    def __init__(self, session: boto3.session.Session) -> None:
        names = ("sts", "ssm", "service-quotas", "lambda", "iam", "cloudformation")
        try:
            self.clients: Mapping[str, Any] = {name: session.client(name) for name in names}  # type: ignore[call-overload]
        except BotoCoreError as error:
            raise not_configured(error) from None
        self.region = str(session.region_name)

    def id(self) -> str:
        with asked_by_a_person(), aws_errors():
            return str(self.clients["sts"].get_caller_identity()["Account"])

    def bootstrap_version(self) -> int | None:
        with asked_by_a_person(), aws_errors():
            found = _or_none(self.clients["ssm"].get_parameter, "ParameterNotFound", Name=BOOTSTRAP)
        return int(found["Parameter"]["Value"]) if found else None

    def quota(self, service: str, code: str) -> float:
        """What was agreed with the account; else AWS's default, which is what holds."""
        asked, quotas = {"ServiceCode": service, "QuotaCode": code}, self.clients["service-quotas"]
        with asked_by_a_person(), aws_errors():
            found = _or_none(quotas.get_service_quota, "NoSuchResourceException", **asked)
            return float((found or quotas.get_aws_default_service_quota(**asked))["Quota"]["Value"])

    def concurrent_executions(self) -> int:
        with asked_by_a_person(), aws_errors():
            return int(self.clients["lambda"].get_account_settings()["AccountLimit"]["ConcurrentExecutions"])

    def has_role(self, name: str) -> bool:
        with asked_by_a_person(), aws_errors():
            return _or_none(self.clients["iam"].get_role, "NoSuchEntity", RoleName=name) is not None

    def outputs(self, stack: str) -> Mapping[str, str] | None:
        with asked_by_a_person():
            return read_outputs(self.clients["cloudformation"], stack)


def open_account(environ: Mapping[str, str]) -> AWSAccount:
    """The account that boto3 finds; its region by AWS_REGION too, which boto3 does not read. Raises NotConfigured."""
    try:
        return AWSAccount(boto3.session.Session(region_name=environ.get("AWS_REGION")))
    except BotoCoreError as error:  # a profile that there is not
        raise not_configured(error) from None


def _or_none(call: Any, absent: str, **asked: str) -> Any:
    """Return the answer; None where AWS says, in the word `absent`, that there is no such thing."""
    try:
        return call(**asked)
    except ClientError as error:
        if code_of(error) == absent:
            return None
        raise
