"""An AWS account in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tiro.doctor import ON_DEMAND_QUOTA, ROLES, SPOT_QUOTA
from tiro.errors import NotConfigured

API = {"ApiUrl": "https://api.test/prod", "TableName": "jobs"}


@dataclass
class FakeAccount:
    """One that is good for forty vCPUs, with everything deployed."""

    region: str = "eu-west-1"
    bootstrap: int | None = 30
    quotas: dict[str, float] = field(default_factory=lambda: {SPOT_QUOTA[1]: 40.0, ON_DEMAND_QUOTA[1]: 40.0})
    functions: int = 1000
    roles: set[str] = field(default_factory=lambda: {role for role, _ in ROLES.values()})
    stacks: dict[str, Mapping[str, str]] = field(
        default_factory=lambda: {"tiro-prod-service": API, "tiro-prod-workers": {"ClusterName": "fleet"}}
    )
    forbidden: set[str] = field(default_factory=set)  # questions that are not answered
    asked: list[str] = field(default_factory=list)

    def id(self) -> str:
        self._ask("id")
        return "123456789012"

    def bootstrap_version(self) -> int | None:
        self._ask("bootstrap_version")
        return self.bootstrap

    def quota(self, service: str, code: str) -> float:
        self._ask("quota")
        return self.quotas[code]

    def concurrent_executions(self) -> int:
        self._ask("concurrent_executions")
        return self.functions

    def has_role(self, name: str) -> bool:
        self._ask("has_role")
        return name in self.roles

    def outputs(self, stack: str) -> Mapping[str, str] | None:
        self._ask("outputs")
        return self.stacks.get(stack)

    def _ask(self, question: str) -> None:
        self.asked.append(question)
        if question in self.forbidden:
            raise NotConfigured(f"AWS does not let you do this: {question} was refused with AccessDenied.")
