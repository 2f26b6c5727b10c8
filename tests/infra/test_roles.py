"""Every role against what its holder really asks of AWS: it may do all of that, and next to nothing else.

No emulator judges this for us: ministack's `AUTH=true` never sees a table's keys, and moto judges nothing
(docs/measurements.md, "What a role is asked for"). So the handlers' own tests, and a worker's, run on moto while a
plugin listens (tests/infra/recorder.py), and what it heard is held against the synthesized policies, as IAM would
(tests/infra/permissions.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.infra.conftest import ROOT, Synthesized, synthesize
from tests.infra.permissions import Grant, Need, Role, encrypted, key_needs, plain, roles

AT_WORK = [
    f"tests/functions/test_{name}"
    for name in (
        *("audio.py::TestTheSameCall::test_again_is_the_same_job", "authorize.py", "conditional.py", "deliveries.py"),
        *("dispatch.py", "drops.py", "handlers.py", "idempotency.py", "jobs.py", "leftovers.py", "media.py"),
        *("on_deploy.py", "on_fetch.py", "preferences.py", "sources.py", "worker.py"),
        "transcripts.py::test_a_large_one_is_lent",
    )
]
"""Tests in which every function, and the worker, does all that it ever does."""

SLOW = (  # and nothing in them that the others do not ask for
    *("TestBatchOnce", "test_without_a_seat", "test_other_preferences", "test_or_when_the_time_is_over"),
    *("test_of_many_at_once", "test_a_retry_is_made_once_too", "test_what_is_no_endpoint"),
    *("test_a_wrong_webhook", "test_a_wrong_request", "test_an_unknown_id"),
)

ARCHIVE = "archive"
"""A bucket of somebody else's that the stage was told of."""

LAMBDA_NEEDS = {  # of whose event source it is (Lambda guide, "Using Lambda with Amazon SQS", "… with DynamoDB")
    "sqs": ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"),
    "dynamodb": ("DescribeStream", "GetRecords", "GetShardIterator"),
}

GIVEN_BY_CDK = {
    "sqs:ChangeMessageVisibility": "SqsEventSource adds it for who reads a queue",
    "sqs:GetQueueUrl": "SqsEventSource and SqsDlq add it",
    "sqs:GetQueueAttributes": "SqsDlq adds it for the queue of what was given up",
}
"""What the constructs that we use grant besides what is needed: on the role's own queues, and harmless there."""

Needs = Mapping[str, Mapping[Need, str]]
"""Of each role: what it takes, and a test that takes it."""


@pytest.fixture(scope="module", params=["", "make"], ids=["AWS's keys", "a key of one's own"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    given = {"source_buckets": ARCHIVE, "image": "codebuild", "tracing": "false", "kms_key": request.param}
    return synthesize(tmp_path_factory.mktemp("roles"), stage="prod", **given)


@pytest.fixture(scope="module")
def granted(service: Synthesized) -> dict[str, Role]:
    return roles(service) | roles(service.beside("workers"))


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    file = tmp_path_factory.mktemp("calls") / "calls.json"
    plugin = ("-p", "tests.infra.recorder", "-p", "no:cacheprovider", "-k", f"not ({' or '.join(SLOW)})")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin, *AT_WORK],
        cwd=ROOT,
        env={**os.environ, "CALLS_FILE": str(file)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    return list(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def needed(service: Synthesized, calls: list[dict[str, Any]]) -> Needs:
    found: defaultdict[str, dict[Need, str]] = defaultdict(dict)
    for call in calls:
        need = Need(call["action"], call["on"], tuple((key, value) for key, value in call["where"]))
        found[call["who"]][need] = call["test"]
    for stack in (service, service.beside("workers")):
        for who, need, why in _by_lambda(stack):
            found[who][need] = why
    locked = encrypted(service)
    for needs in found.values():
        needs |= {of_key: why for need, why in needs.items() for of_key in key_needs(need, locked)}
    return found


def _by_lambda(stack: Synthesized) -> Iterator[tuple[str, Need, str]]:
    """Yield what Lambda itself does in the name of each function: read for it, give up for it, log for it."""
    functions = stack.of_type("AWS::Lambda::Function")
    modules = {name: function["Handler"].split(".")[1] for name, function in functions.items()}
    for name, function in functions.items():
        log = plain(function["LoggingConfig"]["LogGroup"])
        for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
            yield modules[name], Need(action, log), "its log"
    for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values():
        who, source = modules[mapping["FunctionName"]["Ref"]], plain(mapping["EventSourceArn"])
        kind = "dynamodb" if source.endswith("Stream") else "sqs"
        for action in LAMBDA_NEEDS[kind]:
            yield who, Need(f"{kind}:{action}", source), "its event source"
        if given_up := mapping.get("DestinationConfig"):
            yield who, Need("sqs:SendMessage", plain(given_up["OnFailure"]["Destination"])), "what it gives up"


def lacking(role: Role, needs: Mapping[Need, str]) -> list[str]:
    """Say what a role would be refused, and which test would fail by it."""
    return [f"may not {need}, which {test} does" for need, test in needs.items() if not role.allows(need)]


def test_everybody_may_do_what_their_work_takes(granted: dict[str, Role], needed: Needs) -> None:
    assert set(needed) == set(granted), "each of them is seen at work"
    refused = [f"{who} {what}" for who in granted for what in lacking(granted[who], needed[who])]
    assert not refused, "\n" + "\n".join(refused)


def test_without_any_one_grant_something_fails(granted: dict[str, Role], needed: Needs) -> None:
    idle = []
    for who, role in granted.items():
        for grant in role.grants:
            without = Role([other for other in role.grants if other is not grant])
            if not lacking(without, needed[who]) and not _by_cdk(who, grant, needed):
                idle.append(f"{who} need not {grant}" + (", granted twice" if grant in without.grants else ""))
    assert not idle, "\n" + "\n".join(idle)


def _by_cdk(who: str, grant: Grant, needed: Needs) -> bool:
    return grant.action in GIVEN_BY_CDK and any(
        need.on == grant.on for need, why in needed[who].items() if why in ("its event source", "what it gives up")
    )


class TestTheJudge:
    """What IAM says, in the cases that infra/ makes use of."""

    ITEM = Grant("dynamodb:GetItem", "Table", "ForAllValues:StringLike", "dynamodb:LeadingKeys", "job#*")
    LIST = Grant("s3:ListBucket", "Media", "StringLike", "s3:prefix", "uploads/*")
    OBJECT = Grant("s3:GetObject", "Media/uploads/*")

    @pytest.mark.parametrize(
        ("grant", "need", "allowed"),
        [
            (ITEM, Need("dynamodb:GetItem", "Table", (("dynamodb:LeadingKeys", "job#1"),)), True),
            (ITEM, Need("dynamodb:GetItem", "Table", (("dynamodb:LeadingKeys", "key#1"),)), False),
            (ITEM, Need("dynamodb:PutItem", "Table", (("dynamodb:LeadingKeys", "job#1"),)), False),
            (ITEM, Need("dynamodb:GetItem", "Table/index/due", (("dynamodb:LeadingKeys", "job#1"),)), False),
            (ITEM, Need("dynamodb:GetItem", "Table"), True),  # of no value all match
            (LIST, Need("s3:ListBucket", "Media", (("s3:prefix", "uploads/ada/"),)), True),
            (LIST, Need("s3:ListBucket", "Media", (("s3:prefix", ""),)), False),
            (LIST, Need("s3:ListBucket", "Media"), False),
            (OBJECT, Need("s3:GetObject", "Media/uploads/ada/1"), True),
            (OBJECT, Need("s3:GetObject", "Media/inbox/ada/1"), False),
            (OBJECT, Need("s3:GetObjectVersion", "Media/uploads/ada/1"), False),
        ],
    )
    def test_a_grant_allows_what_it_names(self, grant: Grant, need: Need, allowed: bool) -> None:
        assert grant.allows(need) is allowed

    def test_what_it_cannot_judge_it_refuses_to(self) -> None:
        with pytest.raises(NotImplementedError):
            replace(self.LIST, test="StringNotLike").allows(Need("s3:ListBucket", "Media", (("s3:prefix", "x"),)))
