"""The templates, each made once and then only read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.node import use_wheel

use_wheel()  # before any test imports CDK, which starts Node

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Synthesized:
    """One stack of a stage, as it would be deployed."""

    folder: Path
    stack: str

    @property
    def file(self) -> Path:
        return self.folder / f"{self.stack}.template.json"

    @property
    def template(self) -> dict[str, Any]:
        template: dict[str, Any] = json.loads(self.file.read_text())
        return template

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical id."""
        resources = self.template["Resources"].items()
        return {name: resource.get("Properties", {}) for name, resource in resources if resource["Type"] == kind}

    def one(self, kind: str, named: str) -> dict[str, Any]:
        """Return the properties of the one resource of a type whose logical id begins so."""
        [found] = [properties for name, properties in self.of_type(kind).items() if name.startswith(named)]
        return found

    def outputs(self) -> dict[str, Any]:
        return {name: output["Value"] for name, output in self.template["Outputs"].items()}

    def beside(self, part: str) -> Synthesized:
        """Return another stack of the same stage: service, workers or edge."""
        return Synthesized(self.folder, f"{self.stack.rpartition('-')[0]}-{part}")

    def environment(self, handler: str) -> dict[str, Any]:
        """Return the environment of the function whose module this is."""
        [found] = [
            function["Environment"]["Variables"]
            for function in self.of_type("AWS::Lambda::Function").values()
            if function["Handler"] == f"functions.{handler}.handler"
        ]
        return dict(found)


def synthesize(folder: Path, *, validate: bool = False, **context: Any) -> Synthesized:
    """Return the service stack; the others are `beside` it."""
    from infra.app import build

    build(context, output=folder, validate=validate).synth()
    return Synthesized(folder, f"tiro-{context['stage']}-service")


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """With CDK's own validation: what CloudFormation would refuse raises here."""
    return synthesize(tmp_path_factory.mktemp("prod"), validate=True, stage="prod")


@pytest.fixture(scope="session")
def workers(prod: Synthesized) -> Synthesized:
    return prod.beside("workers")


@pytest.fixture(scope="session")
def edge(prod: Synthesized) -> Synthesized:
    return prod.beside("edge")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("sandbox"), stage="sandbox")
