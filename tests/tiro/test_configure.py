"""`tiro configure`, against what CloudFormation answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from tiro import admin
from tiro.adapters.stack import cloudformation_client
from tiro.cli import main
from tiro.errors import NotConfigured
from tiro.repair import NEEDED
from tiro.settings import variable

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


@pytest.fixture
def cloudformation() -> CloudFormationClient:
    return boto3.client("cloudformation", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def stubs(cloudformation: CloudFormationClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setattr(admin, "cloudformation_client", lambda _: cloudformation)
    with Stubber(cloudformation) as stubs:
        yield stubs
        stubs.assert_no_pending_responses()


def has(stubs: Stubber, stack: str, **outputs: str) -> None:
    told = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    found = {"StackName": stack, "CreationTime": 0, "StackStatus": "CREATE_COMPLETE", "Outputs": told}
    stubs.add_response("describe_stacks", {"Stacks": [found]}, {"StackName": stack})


def lacks(stubs: Stubber, code: str = "ValidationError") -> None:
    stubs.add_client_error("describe_stacks", code, "Stack with id x does not exist")


def test_a_stack_says_where_it_is(stubs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    has(stubs, "tiro-prod-service", ApiUrl="https://api.test/prod/", TableName="jobs")
    lacks(stubs)
    assert main(["configure"]) == 0
    said = capsys.readouterr()
    assert said.out == "export TIRO_API_URL=https://api.test/prod/\nexport TIRO_TABLE=jobs\n"
    assert "tiro keys create" in said.err


def test_its_domain_goes_before_its_gateway(stubs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    has(stubs, "tiro-dev-service", ApiUrl="https://api.test/prod/", TableName="it's mine")
    has(stubs, "tiro-dev-edge", Url="https://scribe.test")
    assert main(["configure", "--stack", "tiro-dev"]) == 0
    assert capsys.readouterr().out == "export TIRO_API_URL=https://scribe.test\nexport TIRO_TABLE='it'\"'\"'s mine'\n"


def test_no_such_stack_is_said(stubs: Stubber) -> None:
    lacks(stubs)
    with pytest.raises(NotConfigured, match="no stack tiro-nowhere-service in eu-west-1, in this account"):
        admin.find_stack("tiro-nowhere", {})


def test_who_may_not_ask_is_told_so(stubs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    lacks(stubs, "AccessDenied")
    assert main(["configure"]) == 3
    told = capsys.readouterr().err
    assert "AWS does not let you do this: DescribeStacks was refused with AccessDenied." in told
    assert "may pass" not in told


def test_what_may_pass_is_told_so(stubs: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    lacks(stubs, "Throttling")
    assert main(["configure"]) == 3
    assert "this may pass" in capsys.readouterr().err


def test_without_credentials_it_says_how_to_get_some(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which remembers another test's
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert main(["configure"]) == 3
    told = capsys.readouterr().err
    assert "AWS knows no credentials here (NoCredentialsError). Set AWS_PROFILE, or log in: aws sso login" in told
    assert "may pass" not in told


def test_without_a_region_it_says_how_to_set_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["configure"]) == 3
    assert "You must specify a region. Set AWS_REGION to where the stack is." in capsys.readouterr().err


def test_it_tells_all_that_the_operators_commands_need(stubs: Stubber) -> None:
    outputs = dict.fromkeys(("ApiUrl", "EventBusName", *admin.TOLD), "x")
    has(stubs, "tiro-prod-service", **outputs)
    lacks(stubs)
    assert set(admin.find_stack("tiro-prod", {})) >= {"TIRO_API_URL", *map(variable, NEEDED)}


@pytest.mark.parametrize(
    ("shell", "asked"),
    [
        ({"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-2"),
        ({"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
    ],
)
def test_it_asks_in_the_region_that_the_error_speaks_of(
    shell: dict[str, str], asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", shell["AWS_DEFAULT_REGION"])
    assert cloudformation_client(shell).meta.region_name == asked
