"""Who may do what, whole, in golden/iam*.json, a line for each statement: a change shows in review.

After a change that is meant: UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/infra/test_iam.py
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from tests.infra.conftest import ROOT, Synthesized

GOLDEN = ROOT / "tests" / "infra" / "golden"
STACKS = {"service": "iam.json", "workers": "iam_workers.json", "edge": "iam_edge.json"}

NO_RESOURCE = {
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),  # of which nobody can name one
    *("ecr:GetAuthorizationToken", "ecs:ListTasks", "cloudwatch:GetMetricStatistics"),
}


def grants(stage: Synthesized) -> dict[str, list[str]]:
    """Return every statement of every policy in words, by the name of the resource that holds it."""
    found: dict[str, list[str]] = {}
    for name, resource in stage.template["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [properties.get("AssumeRolePolicyDocument"), properties.get("PolicyDocument")]
        documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        lines = [in_words(line) for document in documents if document for line in document["Statement"]]
        lines += [f"Has {spell(policy)}" for policy in properties.get("ManagedPolicyArns", [])]
        if resource["Type"] == "AWS::Lambda::Permission":
            action, function = properties["Action"], spell(properties["FunctionName"])
            lines.append(
                f"Allow {properties['Principal']} {action} on {function} from {spell(properties['SourceArn'])}"
            )
        if lines:
            found[spell({"Ref": name})] = lines
    return found


def in_words(statement: dict[str, Any]) -> str:
    principal = statement.get("Principal", {})
    words = [statement["Effect"], *(map(spell, principal.values()) if isinstance(principal, dict) else [principal])]
    words.append(spell(statement["Action"]))
    if "Resource" in statement:
        words += ["on", spell(statement["Resource"])]
    for test, conditions in statement.get("Condition", {}).items():
        words += [f"if {key} {test} {spell(value)}" for key, value in conditions.items()]
    return " ".join(words)


def spell(value: Any) -> str:
    """Write what CloudFormation would resolve, less the hash in a resource's name."""
    match value:
        case {"Ref": str(name)}:
            return f"<{unhashed(name)}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{unhashed(name)}.{attribute}>"
        case {"Fn::ImportValue": str(name)}:
            return f"<{re.sub(r'ExportsOutput(FnGetAtt|Ref)', '', unhashed(name))}>"
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(map(spell, parts))
        case list(values):
            return ", ".join(map(spell, values))
        case _:
            return str(value)


def unhashed(name: str) -> str:
    return re.sub(r"[0-9A-F]{8}", "", name)


@pytest.mark.parametrize("stack", STACKS)
def test_grants_are_the_ones_that_were_reviewed(stack: str, prod: Synthesized) -> None:
    granted = json.dumps(grants(prod.beside(stack)), indent=2, sort_keys=True) + "\n"
    golden = GOLDEN / STACKS[stack]
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(granted)
    assert granted == golden.read_text()


@pytest.mark.parametrize("stack", STACKS)
def test_no_action_is_a_wildcard_and_only_what_has_none_names_no_resource(stack: str, prod: Synthesized) -> None:
    for policy in prod.beside(stack).of_type("AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in actions if "*" in action]
            if statement["Resource"] == "*":
                assert set(actions) <= NO_RESOURCE


def test_each_function_has_a_role_of_its_own(prod: Synthesized) -> None:
    functions = prod.of_type("AWS::Lambda::Function").values()
    roles = {function["Role"]["Fn::GetAtt"][0] for function in functions}
    assert len(roles) == len(functions)


def test_the_sandbox_grants_what_prod_grants(prod: Synthesized, sandbox: Synthesized) -> None:
    def policies(stage: Synthesized) -> dict[str, Any]:
        found = stage.of_type("AWS::IAM::Policy")
        statements = {name: policy["PolicyDocument"]["Statement"] for name, policy in found.items()}
        return {name: [s for s in lines if s["Resource"] != "*"] for name, lines in statements.items()}  # not tracing

    assert policies(sandbox) == policies(prod)
