"""What others know to be unwise: cfn-lint on the templates, and AWS's own Solutions pack of cdk-nag."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import Validations
from cdk_nag import AwsSolutionsChecks

from infra.app import build
from tests.infra.conftest import Synthesized, synthesize


def test_cfn_lint_finds_nothing(prod: Synthesized, sandbox: Synthesized, tmp_path: Path) -> None:
    locked = synthesize(tmp_path, stage="prod", kms_key="make", budget_usd=100)
    # W3005: CDK names a dependency that a reference already makes.
    command: list[str | Path] = [
        Path(sys.executable).with_name("cfn-lint"),
        "--ignore-checks",
        "W3005",
        "--",
        *sorted(prod.folder.glob("*.template.json")),
        *sorted(locked.folder.glob("*.template.json")),
        sandbox.file,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("key", ["", "make"])
def test_cdk_nag_finds_nothing_that_is_not_answered(key: str, tmp_path: Path) -> None:
    """Each answer stands on its resource, in infra/, with its reason."""
    app = build({"stage": "prod", "kms_key": key}, output=tmp_path, validate=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()  # raises, and prints what was found
