"""`cdk deploy` in small: publishes an assembly's assets and makes its stack, with boto3 alone.

Nothing is done twice: the stack is left alone while the template is the one that it was made from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sandbox.assembly import Assembly, Asset
from sandbox.emulator import Emulator
from sandbox.state import SandboxError, State


@dataclass(frozen=True)
class Deployed:
    """A stack that is there."""

    stack: str
    outputs: dict[str, str]
    did: str  # created | updated | unchanged
    resources: int


def deploy(assembly: Assembly, emulator: Emulator, state: State) -> Deployed:
    """Create or update the stack, unless it is there as it should be.

    Raises SandboxError with CloudFormation's reason.
    """
    cfn = emulator.client("cloudformation")
    exists = _describe(cfn, assembly.stack) is not None
    known = state.deployed.read_text() if state.deployed.exists() else ""
    did = "unchanged"
    if not exists or known != assembly.fingerprint:
        state.deployed.unlink(missing_ok=True)
        publish(assembly.assets, emulator.client("s3"))
        _bootstrap(assembly, emulator)
        url = f"{emulator.endpoint}/{assembly.template_key}"
        did = _apply(cfn, assembly.stack, url, exists=exists)
        state.deployed.write_text(assembly.fingerprint)
    outputs = (_describe(cfn, assembly.stack) or {}).get("Outputs", [])
    return Deployed(
        stack=assembly.stack,
        outputs={output["OutputKey"]: output["OutputValue"] for output in outputs},
        did=did,
        resources=len(json.loads(assembly.template)["Resources"]),
    )


def publish(assets: Sequence[Asset], s3: Any) -> int:
    """Put what is not there yet into its bucket, making the bucket. Return how many were put."""
    for bucket in {asset.bucket for asset in assets}:
        s3.create_bucket(Bucket=bucket)
    missing = [asset for asset in assets if not _published(asset, s3)]
    for asset in missing:
        s3.put_object(Bucket=asset.bucket, Key=asset.key, Body=asset.content())
    return len(missing)


def _published(asset: Asset, s3: Any) -> bool:
    try:
        s3.head_object(Bucket=asset.bucket, Key=asset.key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    return True


def _bootstrap(assembly: Assembly, emulator: Emulator) -> None:
    """Set the parameter by which CDK's templates ask whether the account was bootstrapped."""
    for parameter in json.loads(assembly.template).get("Parameters", {}).values():
        if parameter["Type"].startswith("AWS::SSM::Parameter::Value") and "Default" in parameter:
            emulator.client("ssm").put_parameter(Name=parameter["Default"], Value="30", Type="String", Overwrite=True)


def _apply(cfn: Any, name: str, template_url: str, *, exists: bool) -> str:
    call = cfn.update_stack if exists else cfn.create_stack
    try:
        call(StackName=name, TemplateURL=template_url, Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if "No updates are to be performed" in said:
            return "unchanged"
        raise SandboxError(f"The emulator refused the template: {said[:1000]}") from None
    while (status := _status(cfn, name)).endswith("_IN_PROGRESS"):
        time.sleep(0.1)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        reason = _reason(cfn, name)
        if not exists:  # what is left of it can only be deleted
            cfn.delete_stack(StackName=name)
        raise SandboxError(reason)
    return "updated" if exists else "created"


def _describe(cfn: Any, name: str) -> dict[str, Any] | None:
    """Return the stack, or None where there is none."""
    try:
        stack: dict[str, Any] = cfn.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return None
    return None if stack["StackStatus"].startswith("DELETE_") else stack


def _status(cfn: Any, name: str) -> str:
    return str((_describe(cfn, name) or {}).get("StackStatus", "gone"))


def _reason(cfn: Any, name: str) -> str:
    """Say what failed first; the rest is rollback."""
    events = cfn.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
    why = [f"  {e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}" for e in failed[:3]]
    return "\n".join(["The stack could not be made:", *why, "`make reset` begins anew."])
