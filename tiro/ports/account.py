"""What can be known of an AWS account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Account(Protocol):
    """One account, in one region.

    Every question raises ServiceUnavailable where it is not answered, NotConfigured where it is not answered to us.
    """

    @property
    def region(self) -> str:
        """The region that is asked about."""
        ...

    def id(self) -> str:
        """Return the twelve digits of whoever holds the credentials."""
        ...

    def bootstrap_version(self) -> int | None:
        """Return which version of CDK's own stack is there; None where there is none."""
        ...

    def quota(self, service: str, code: str) -> float:
        """Return how much of something AWS lets the account have."""
        ...

    def concurrent_executions(self) -> int:
        """Return how many functions may run at once."""
        ...

    def has_role(self, name: str) -> bool:
        """Return whether there is a role of that name."""
        ...

    def outputs(self, stack: str) -> Mapping[str, str] | None:
        """Return what a stack tells of itself; None where there is no such stack."""
        ...
