"""IAM in small: what a call to AWS takes, and whether what the template grants allows it.

Only `Allow` is read, as no role of ours has anything else, and only the condition keys that infra/ uses. What it does
not know it refuses to judge. A part of a DynamoDB transaction is judged as the action that it is, on its own item
(DynamoDB guide, "IAM with transactions").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from tests.infra.conftest import Synthesized
from tests.infra.test_iam import spell

ITEM_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}

S3_ACTIONS = {  # not by their calls' names (S3 guide, "Required permissions for Amazon S3 API operations")
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
}

OF_A_VERSION = {
    "GetObject": "GetObjectVersion",
    "GetObjectTagging": "GetObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
}


@dataclass(frozen=True, order=True)
class Need:
    """One action on one resource. Resources are named by what they are called in infra/: `StorageMedia/uploads/a`."""

    action: str
    on: str
    where: tuple[tuple[str, str], ...] = ()  # condition keys, each with its one value

    def __str__(self) -> str:
        return " ".join([self.action, "on", self.on, *(f"with {key} {value}" for key, value in self.where)])


@dataclass(frozen=True, order=True)
class Grant:
    """The least that can be taken from a role: one action, on one pattern, for one value of its condition."""

    action: str
    on: str
    test: str = ""
    key: str = ""
    value: str = ""

    def allows(self, need: Need) -> bool:
        if self.action != need.action or not fnmatchcase(need.on, self.on):
            return False
        if not self.test:
            return True
        found = dict(need.where).get(self.key)
        match self.test:
            case "ForAllValues:StringLike":  # of no value all match
                return found is None or fnmatchcase(found, self.value)
            case "StringLike":
                return found is not None and fnmatchcase(found, self.value)
            case "StringEquals" | "ArnEquals":
                return found == self.value
        raise NotImplementedError(self.test)

    def __str__(self) -> str:
        return f"{self.action} on {self.on}" + (f" if {self.key} is {self.value}" if self.test else "")


@dataclass
class Role:
    """Who, and all it may do."""

    grants: list[Grant] = field(default_factory=list)

    def allows(self, need: Need) -> bool:
        return any(grant.allows(need) for grant in self.grants)


def roles(stack: Synthesized) -> dict[str, Role]:
    """Return the role of each function by its module, and the workers' own as `worker`."""
    functions = stack.of_type("AWS::Lambda::Function").values()
    names = {f["Role"]["Fn::GetAtt"][0]: f["Handler"].split(".")[1] for f in functions}
    tasks = stack.of_type("AWS::ECS::TaskDefinition").values()
    names |= {task["TaskRoleArn"]["Fn::GetAtt"][0]: "worker" for task in tasks}
    found = {name: Role() for name in names.values()}
    for policy in stack.of_type("AWS::IAM::Policy").values():
        for holder in (role["Ref"] for role in policy["Roles"]):
            if holder in names:
                for statement in policy["PolicyDocument"]["Statement"]:
                    found[names[holder]].grants += _grants(statement)
    return found


def _grants(statement: Mapping[str, Any]) -> Iterator[Grant]:
    assert statement["Effect"] == "Allow"
    conditions = [
        (test, key, value)
        for test, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
        for value in _listed(values)
    ]
    assert len({(test, key) for test, key, _ in conditions}) <= 1, "two conditions at once are not read here"
    for action, resource in product(_listed(statement["Action"]), _listed(statement["Resource"])):
        for test, key, value in conditions or [("", "", "")]:
            yield Grant(action, plain(resource), test, key, plain(value))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def plain(value: Any) -> str:
    """Name a resource by what it is called in infra/, in whichever stack it stands, less the ARN around it."""
    name = re.sub(r"<AWS::\w+>", "", spell(value))
    name = re.sub(r"<(?:[\w-]+:)?(\w+?)\.?(Stream)?(?:Arn)?>", r"\1\2", name)
    return name.rpartition(":")[2] if name.startswith("arn:") else name


def needs(service: str, operation: str, params: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Need]:
    """Yield what a call takes. `names` says what the things that it names are called in infra/."""

    def called(name: str) -> str:
        return names.get(name, name)

    match service:
        case "dynamodb":
            yield from _on_items(operation, params, names)
        case "s3":
            yield _on_s3(operation, params, called(params["Bucket"]))
        case "sqs":
            yield Need(f"sqs:{operation}", called(params["QueueUrl"]))
        case "events":
            for entry in params["Entries"]:
                yield Need("events:PutEvents", called(entry["EventBusName"]))
        case "cloudwatch":
            yield Need(f"cloudwatch:{operation}", "*")
        case "codebuild":
            yield Need(f"codebuild:{operation}", called(params["projectName"]))
        case "ecs":
            yield from _on_ecs(operation, params, called(params["cluster"]), called(params.get("taskDefinition", "")))
        case _:
            raise NotImplementedError(f"{service}:{operation}")


KEY_NEEDS = {
    "sqs": {"ReceiveMessage": "Decrypt", "SendMessage": "Decrypt GenerateDataKey"},
    "s3": {"ListMultipartUploadParts": "Decrypt", "PutObject": "Decrypt GenerateDataKey"}
    | dict.fromkeys(("GetObject", "GetObjectVersion"), "Decrypt"),
    "dynamodb": dict.fromkeys(
        (*("GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"), "Query", "GetRecords"),
        "Decrypt DescribeKey",
    ),
}
"""What each call takes of the key that its object, message or item is encrypted by (the services' guides)."""


def encrypted(stack: Synthesized) -> frozenset[str]:
    """Return the table, buckets and queues whose key is not AWS's own, by what they are called in infra/."""
    kinds = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue")
    found = {name: properties for kind in kinds for name, properties in stack.of_type(kind).items()}
    locked = [name for name, properties in found.items() if "MasterKeyI" in json.dumps(properties)]
    return frozenset(plain({"Ref": name}) for name in locked)


def key_needs(need: Need, locked: frozenset[str]) -> Iterator[Need]:
    """Yield what a call takes of the key besides, where it touches what is `locked` with one."""
    service, _, action = need.action.partition(":")
    if need.on.partition("/")[0].removesuffix("Stream") in locked:
        for right in KEY_NEEDS.get(service, {}).get(action, "").split():
            yield Need(f"kms:{right}", "Key", (("kms:ViaService", f"{service}.."),))  # less region and suffix


def _on_items(operation: str, params: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Need]:
    parts = params.get("TransactItems", [{operation: params}])
    for [(kind, part)] in (part.items() for part in parts):
        table = names.get(part["TableName"], part["TableName"])
        index = f"/index/{part['IndexName']}" if "IndexName" in part else ""
        yield Need(f"dynamodb:{ITEM_ACTIONS.get(kind, kind)}", table + index, _leading(part))


def _leading(params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the partition key that is asked for: of an item, or by a query's `pk = :pk`."""
    if "IndexName" in params:
        return (("dynamodb:LeadingKeys", "(of an index)"),)
    key = params.get("Key") or params.get("Item") or {"pk": params["ExpressionAttributeValues"][":pk"]}
    return (("dynamodb:LeadingKeys", key["pk"]["S"]),)


def _on_s3(operation: str, params: Mapping[str, Any], bucket: str) -> Need:
    action = S3_ACTIONS.get(operation, operation)
    if "VersionId" in params:
        action = OF_A_VERSION[action]
    if "Key" in params:
        return Need(f"s3:{action}", f"{bucket}/{params['Key']}")
    return Need(f"s3:{action}", bucket, (("s3:prefix", params.get("Prefix", "")),))


def _on_ecs(operation: str, params: Mapping[str, Any], cluster: str, task: str) -> Iterator[Need]:
    within = (("ecs:cluster", cluster),)
    match operation:
        case "RunTask":
            yield Need("ecs:RunTask", task, within)
            for role in ("FleetRole", "FleetTaskExecutionRole"):
                yield Need("iam:PassRole", role, (("iam:PassedToService", "ecs-tasks.amazonaws.com"),))
            if params.get("tags") or params.get("propagateTags"):
                yield Need("ecs:TagResource", f"task/{cluster}/new", (("ecs:CreateAction", "RunTask"),))
        case "ListTasks":
            yield Need("ecs:ListTasks", "*", within)
        case "ListContainerInstances":
            yield Need("ecs:ListContainerInstances", cluster)
        case "DescribeTasks" | "StopTask":
            yield Need(f"ecs:{operation}", f"task/{cluster}/some")
        case _:
            raise NotImplementedError(operation)
