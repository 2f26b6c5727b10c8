"""A key of one's own: off unless asked for, and then on all that is kept, with a policy that lets AWS's services send.

That every role may use it, and none more than it needs, is in test_roles, which runs with it and without.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from infra.grants import ON_ENCRYPTED
from tests.infra.conftest import Synthesized, synthesize
from tests.infra.test_iam import in_words

GIVEN = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"

KEPT = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
}

SENDS = "kms:Decrypt, kms:GenerateDataKey"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("locked"), stage="prod", kms_key="make")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("given"), stage="dev", kms_key=GIVEN)


def by_key(stage: Synthesized, key: str) -> set[str]:
    """Return what is encrypted by it: the resources' logical ids, in both stacks."""
    stacks = (stage, stage.beside("workers"))
    kept = [(n, p.get(field)) for s in stacks for kind, field in KEPT.items() for n, p in s.of_type(kind).items()]
    return {name for name, encryption in kept if key in json.dumps(encryption)}


def kept_by(stage: Synthesized) -> set[str]:
    return {name for s in (stage, stage.beside("workers")) for kind in KEPT for name in s.of_type(kind)}


def test_nobody_pays_for_one_unasked(prod: Synthesized, sandbox: Synthesized) -> None:
    for stack in (prod, prod.beside("workers"), prod.beside("edge"), sandbox):
        assert "kms" not in json.dumps(stack.template).lower()


@pytest.mark.parametrize(("fixture", "key"), [("locked", "Key961B73FD"), ("given", GIVEN)])
def test_all_that_is_kept_is_encrypted_by_it(fixture: str, key: str, request: pytest.FixtureRequest) -> None:
    stage = request.getfixturevalue(fixture)
    without = {re.sub(r"[0-9A-F]{8}$", "", name) for name in kept_by(stage) - by_key(stage, key)}
    assert without == {"StorageAccessLog"}  # S3 writes its logs into no such bucket


def test_of_a_bucket_kms_is_asked_seldom(locked: Synthesized) -> None:
    for name in ("StorageMedia", "StorageTranscripts"):
        [rule] = locked.one("AWS::S3::Bucket", name)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BucketKeyEnabled"] is True
    for queue in locked.of_type("AWS::SQS::Queue").values():
        assert queue["KmsDataKeyReusePeriodSeconds"] == 3600
        assert "SqsManagedSseEnabled" not in queue  # SQS takes the one or the other


def test_one_that_the_stack_makes_turns_and_outlives_it_in_prod(locked: Synthesized, tmp_path_factory: Any) -> None:
    dev = synthesize(tmp_path_factory.mktemp("dev"), stage="dev", workers="none", kms_key="make")
    for stage, kept in ((locked, "Retain"), (dev, "Delete")):
        [key] = [r for r in stage.template["Resources"].values() if r["Type"] == "AWS::KMS::Key"]
        assert key["Properties"]["EnableKeyRotation"] is True
        assert key["DeletionPolicy"] == kept


def test_its_policy_lets_services_send_to_what_is_here_and_roles_be_allowed_by_iam(locked: Synthesized) -> None:
    [key] = locked.of_type("AWS::KMS::Key").values()
    here = "<AWS::Region>:<AWS::AccountId>:*"
    assert [in_words(statement) for statement in key["KeyPolicy"]["Statement"]] == [
        "Allow arn:<AWS::Partition>:iam::<AWS::AccountId>:root kms:* on *",
        f"Allow s3.amazonaws.com {SENDS} on * "
        f"if kms:EncryptionContext:aws:sqs:arn ArnLike arn:<AWS::Partition>:sqs:{here}",
        f"Allow budgets.amazonaws.com, cloudwatch.amazonaws.com {SENDS} on * "
        f"if kms:EncryptionContext:aws:sns:topicArn ArnLike arn:<AWS::Partition>:sns:{here}",
        "Allow logs.<AWS::Region>.amazonaws.com kms:Decrypt, kms:Encrypt, kms:GenerateDataKey*, kms:ReEncrypt* on * "
        f"if kms:EncryptionContext:aws:logs:arn ArnLike arn:<AWS::Partition>:logs:{here}",
    ]


@pytest.mark.parametrize("fixture", ["locked", "given"])
def test_a_role_uses_it_through_a_service_alone(fixture: str, request: pytest.FixtureRequest) -> None:
    stage = request.getfixturevalue(fixture)
    assert bool(stage.of_type("AWS::KMS::Key")) is (fixture == "locked")
    services = {action.partition(":")[0] for action in ON_ENCRYPTED}
    seen = set()
    for stack in (stage, stage.beside("workers")):
        for policy in stack.of_type("AWS::IAM::Policy").values():
            for statement in policy["PolicyDocument"]["Statement"]:
                if "kms:" in json.dumps(statement["Action"]):
                    assert statement["Resource"] != "*"
                    [through] = statement["Condition"]["StringEquals"].values()
                    seen.add(through["Fn::Join"][1][0].rstrip("."))
    assert seen == services
