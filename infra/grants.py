"""How anybody is allowed anything: by action and by name, on whoever has a role of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import acknowledge, wildcard

READS, WRITES = ("Decrypt",), ("Decrypt", "GenerateDataKey")

ON_ENCRYPTED = {
    **dict.fromkeys(
        ("s3:GetObject", "s3:GetObjectVersion", "s3:ListMultipartUploadParts", "sqs:ReceiveMessage"), READS
    ),
    **dict.fromkeys(("s3:PutObject", "sqs:SendMessage"), WRITES),  # a part is encrypted by a key that is read first
    **dict.fromkeys(
        (f"dynamodb:{name}Item" for name in ("Get", "Put", "Update", "Delete")), ("Decrypt", "DescribeKey")
    ),
    **dict.fromkeys(("dynamodb:Query", "dynamodb:GetRecords"), ("Decrypt", "DescribeKey")),
}
"""What a call takes of the key besides, which the called service uses in the caller's name (guides of S3, "Protecting
data with SSE-KMS"; of SQS, "Key management"; of DynamoDB, "Encryption at rest: how it works")."""


class Grantee(Construct):
    """What acts in AWS. May do nothing until it is allowed to.

    Where there is a `key`, whoever is allowed to touch what it encrypts may use it, through that service alone.
    """

    role: iam.Role
    key: kms.IKey | None = None
    _unlocked: frozenset[tuple[str, str]] = frozenset()

    def allow(self, *actions: str, on: str, where: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Grant `actions` on one ARN, or on `*` for what has none, where IAM's conditions hold."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on], conditions=where))
        self.unlock(*actions)

    def allow_items(self, *actions: str, of: dynamodb.ITable, under: Sequence[str]) -> None:
        """Grant `actions` on a table's items whose partition key matches one of `under`."""
        keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(under)}}
        actions_on_items = [f"dynamodb:{action}" for action in actions]
        self.role.add_to_policy(
            iam.PolicyStatement(actions=actions_on_items, resources=[of.table_arn], conditions=keys)
        )
        self.unlock(*actions_on_items)

    def allow_listing(self, action: str, *, of: s3.IBucket, under: Sequence[str]) -> None:
        """Grant the listing of a bucket's objects whose key matches one of `under`."""
        only = {"StringLike": {"s3:prefix": list(under)}}
        self.role.add_to_policy(
            iam.PolicyStatement(actions=[f"s3:{action}"], resources=[of.bucket_arn], conditions=only)
        )

    def allow_objects(self, *actions: str, of: s3.IBucket, under: Sequence[str]) -> None:
        """Grant `actions` on a bucket's objects whose key matches one of `under`."""
        objects = [of.arn_for_objects(pattern) for pattern in under]
        actions_on_objects = [f"s3:{action}" for action in actions]
        self.role.add_to_policy(iam.PolicyStatement(actions=actions_on_objects, resources=objects))
        self.unlock(*actions_on_objects)
        for arn in objects:
            acknowledge(self.role, wildcard(self, arn), "Of an object that is yet to come only the prefix is known.")

    def unlock(self, *actions: str) -> None:
        """Grant what these actions take of the key, each right once; nothing where there is none."""
        if not self.key:
            return
        stack = Stack.of(self)
        for action in actions:
            service = action.partition(":")[0]
            for right in ON_ENCRYPTED.get(action, ()):
                if (service, right) not in self._unlocked:
                    self._unlocked |= {(service, right)}
                    through = {"StringEquals": {"kms:ViaService": f"{service}.{stack.region}.{stack.url_suffix}"}}
                    self.role.add_to_policy(
                        iam.PolicyStatement(actions=[f"kms:{right}"], resources=[self.key.key_arn], conditions=through)
                    )
