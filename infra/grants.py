"""How anybody is allowed anything: by action and by name, on whoever has a role of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import acknowledge, wildcard


class Grantee(Construct):
    """What acts in AWS. May do nothing until it is allowed to."""

    role: iam.Role

    def allow(self, *actions: str, on: str, where: Mapping[str, Mapping[str, str]] | None = None) -> None:
        """Grant `actions` on one ARN, or on `*` for what has none, where IAM's conditions hold."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=[on], conditions=where))

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
