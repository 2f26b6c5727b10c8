"""An account, as botocore's own stubs say that AWS answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tiro.adapters.account import AWSAccount, open_account
from tiro.errors import NotConfigured, ServiceUnavailable

EC2 = {"ServiceCode": "ec2", "QuotaCode": "L-3819A6DF"}


@pytest.fixture
def account() -> AWSAccount:
    return AWSAccount(boto3.session.Session("x", "x", region_name="eu-west-1"))


Answers = Callable[..., Any]


def answers(account: AWSAccount, service: str, call: str, answer: dict[str, Any] | str) -> Stubber:
    """Let AWS answer a call; with an error, where the answer is its code."""
    stubs = Stubber(account.clients[service])
    if isinstance(answer, str):
        stubs.add_client_error(call, answer)
    else:
        stubs.add_response(call, answer)
    return stubs


def test_it_is_known_by_its_number(account: AWSAccount) -> None:
    with answers(account, "sts", "get_caller_identity", {"Account": "123456789012"}):
        assert account.id() == "123456789012"
    assert account.region == "eu-west-1"


def test_cdk_notes_its_version(account: AWSAccount) -> None:
    with answers(account, "ssm", "get_parameter", {"Parameter": {"Value": "30"}}):
        assert account.bootstrap_version() == 30
    with answers(account, "ssm", "get_parameter", "ParameterNotFound"):
        assert account.bootstrap_version() is None


def test_a_quota_is_what_was_agreed_or_else_the_default(account: AWSAccount) -> None:
    with answers(account, "service-quotas", "get_service_quota", {"Quota": {"Value": 64.0}}):
        assert account.quota("ec2", "L-3819A6DF") == 64
    with answers(account, "service-quotas", "get_service_quota", "NoSuchResourceException") as stubs:
        stubs.add_response("get_aws_default_service_quota", {"Quota": {"Value": 0.0}}, EC2)
        assert account.quota("ec2", "L-3819A6DF") == 0


def test_functions_at_once(account: AWSAccount) -> None:
    with answers(account, "lambda", "get_account_settings", {"AccountLimit": {"ConcurrentExecutions": 10}}):
        assert account.concurrent_executions() == 10


def test_a_role_is_there_or_not(account: AWSAccount) -> None:
    role = {"Path": "/", "RoleName": "r", "RoleId": "i" * 16, "Arn": "a" * 20, "CreateDate": 0}
    with answers(account, "iam", "get_role", {"Role": role}):
        assert account.has_role("r")
    with answers(account, "iam", "get_role", "NoSuchEntity"):
        assert not account.has_role("r")


@pytest.mark.parametrize(
    ("service", "call", "ask"),
    [
        ("sts", "get_caller_identity", lambda a: a.id()),
        ("ssm", "get_parameter", lambda a: a.bootstrap_version()),
        ("service-quotas", "get_service_quota", lambda a: a.quota("ec2", "L-3819A6DF")),
        ("lambda", "get_account_settings", lambda a: a.concurrent_executions()),
        ("iam", "get_role", lambda a: a.has_role("r")),
        ("cloudformation", "describe_stacks", lambda a: a.outputs("tiro-prod-service")),
    ],
)
def test_who_may_not_ask_is_told_so(account: AWSAccount, service: str, call: str, ask: Answers) -> None:
    with answers(account, service, call, "AccessDenied"), pytest.raises(NotConfigured, match="AccessDenied"):
        ask(account)
    with answers(account, service, call, "Throttling"), pytest.raises(ServiceUnavailable, match="Throttling"):
        ask(account)


def test_its_region_is_that_of_the_environment() -> None:
    assert open_account({"AWS_REGION": "us-west-2"}).region == "us-west-2"
    with pytest.raises(NotConfigured, match="region"):
        open_account({})
