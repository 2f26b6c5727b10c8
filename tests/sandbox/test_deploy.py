"""Assets are put once; the stack is made once; what failed is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sandbox.assembly import read_assembly
from sandbox.deploy import deploy, publish
from sandbox.emulator import Emulator
from sandbox.state import SandboxError, State
from tests.sandbox.test_assembly import write_assembly


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


def test_publish_puts_what_is_missing(tmp_path: Path, s3: Any) -> None:
    assets = read_assembly(write_assembly(tmp_path / "out")).assets
    assert publish(assets, s3) == 2
    for asset in assets:
        assert s3.get_object(Bucket=asset.bucket, Key=asset.key)["Body"].read() == asset.content()
    assert publish(assets, s3) == 0
    s3.delete_object(Bucket=assets[0].bucket, Key=assets[0].key)
    assert publish(assets, s3) == 1


@dataclass
class FakeCloudFormation:
    """One stack, made or failed at once; and each change that was asked for."""

    fails: bool = False
    stack: dict[str, Any] | None = None
    changes: list[str] = field(default_factory=list)

    def create_stack(self, **asked: Any) -> None:
        assert self.stack is None
        self._change("create", asked, "CREATE_COMPLETE")

    def update_stack(self, **asked: Any) -> None:
        assert self.stack is not None
        self._change("update", asked, "UPDATE_COMPLETE")

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.changes.append(f"delete {StackName}")
        self.stack = None

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.stack is None:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": f"no {StackName}"}}, "DescribeStacks")
        return {"Stacks": [self.stack]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        events = [
            ("Role", "CREATE_FAILED", "cancelled"),
            ("Queue", "CREATE_FAILED", "no such property"),
            (StackName, "X", ""),
        ]
        keys = ("LogicalResourceId", "ResourceStatus", "ResourceStatusReason")
        return {"StackEvents": [dict(zip(keys, event, strict=True)) for event in events]}

    def _change(self, verb: str, asked: dict[str, Any], status: str) -> None:
        self.changes.append(f"{verb} {asked['StackName']} {asked['TemplateURL']}")
        outputs = [{"OutputKey": "QueueUrl", "OutputValue": "http://q"}]
        self.stack = {"StackStatus": "ROLLBACK_COMPLETE" if self.fails else status, "Outputs": outputs}


@dataclass(frozen=True)
class FakeEmulator(Emulator):
    cloudformation: FakeCloudFormation = field(default_factory=FakeCloudFormation)

    def client(self, service: str) -> Any:
        return self.cloudformation if service == "cloudformation" else boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


def test_deploy_does_what_is_needed(tmp_path: Path, s3: Any) -> None:
    emulator, state = FakeEmulator(4566), State(tmp_path)
    folder = write_assembly(tmp_path / "out")
    first = deploy(read_assembly(folder), emulator, state)
    assert (first.did, first.outputs, first.resources) == ("created", {"QueueUrl": "http://q"}, 1)
    assert s3.list_buckets()["Buckets"]

    assert deploy(read_assembly(folder), emulator, state).did == "unchanged"

    (folder / "toy.template.json").write_text('{"Resources": {}}')
    assert deploy(read_assembly(folder), emulator, state).did == "updated"

    emulator.cloudformation.stack = None  # its state was lost
    assert deploy(read_assembly(folder), emulator, state).did == "created"
    url = "http://127.0.0.1:4566/cdk-hnb659fds-assets-000000000000-us-east-1/t.json"
    assert emulator.cloudformation.changes == [f"{verb} toy0 {url}" for verb in ("create", "update", "create")]


@pytest.mark.usefixtures("s3")
def test_deploy_says_what_failed_first_and_can_be_tried_again(tmp_path: Path) -> None:
    emulator = FakeEmulator(4566, FakeCloudFormation(fails=True))
    assembly = read_assembly(write_assembly(tmp_path / "out"))
    with pytest.raises(SandboxError, match=r"(?s)Queue: no such property.*Role: cancelled.*`make reset` begins anew"):
        deploy(assembly, emulator, State(tmp_path))
    emulator.cloudformation.fails = False
    assert deploy(assembly, emulator, State(tmp_path)).did == "created"
