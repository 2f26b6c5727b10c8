"""What cdk-nag may overlook, said on the very resource, with the reason. Everything else it finds fails a test."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct


def acknowledge(resource: IConstruct, finding: str, reason: str) -> None:
    """`finding` is a rule of the AWS Solutions pack, with its detail in brackets where it has one."""
    Validations.of(resource).acknowledge(Acknowledgment(id=f"AwsSolutions-{finding}", reason=reason))


def wildcard(scope: IConstruct, arn: str) -> str:
    """Return the finding for a policy's resource that ends in a star; `arn` may hold tokens."""
    resolved = Stack.of(scope).resolve(arn)
    parts = [resolved] if isinstance(resolved, str) else resolved["Fn::Join"][1]
    return f"IAM5[Resource::{''.join(map(_spell, parts))}]"


def _spell(part: str | dict[str, str | list[str]]) -> str:
    if isinstance(part, str):
        return part
    ((function, name),) = part.items()
    if function == "Fn::ImportValue":
        return str(name)
    return f"<{name if isinstance(name, str) else '.'.join(name)}>"
