"""What the table's stream wakes: the templates' filters, held against what the table really stores on a job's way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from functions.dispatch import durations
from tests.factories import NOW, make_job, make_media, make_queued_job, make_ref, make_run
from tests.infra.conftest import Synthesized
from tiro.adapters import aws
from tiro.adapters.dynamodb import DynamoDBJobStore, DynamoDBRunStore
from tiro.handling import Handling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

TABLE = "table"

Record = dict[str, Any]
Woken = Callable[[], dict[str, list[Record]]]


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = aws.dynamodb_client()
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield client


@pytest.fixture(scope="module")
def filters(prod: Synthesized, workers: Synthesized) -> dict[str, Mapping[str, Any]]:
    """By the module of whoever is woken."""
    found = {}
    for stack in (prod, workers):
        modules = {name: made["Handler"] for name, made in stack.of_type("AWS::Lambda::Function").items()}
        for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values():
            if criteria := mapping.get("FilterCriteria"):
                [one] = criteria["Filters"]
                found[modules[mapping["FunctionName"]["Ref"]].split(".")[1]] = json.loads(one["Pattern"])
    return found


@pytest.fixture
def woken(dynamodb: DynamoDBClient, filters: dict[str, Mapping[str, Any]]) -> Woken:
    """Tells who is woken by what was written since it was last asked. What is removed has no image: it wakes nobody."""
    seen: dict[tuple[str, str], Any] = {}

    def written() -> Iterator[Record]:
        for item in dynamodb.scan(TableName=TABLE)["Items"]:
            key = (item["pk"]["S"], item["sk"]["S"])
            if seen.get(key) != item:
                keys = {"pk": item["pk"], "sk": item["sk"]}
                yield {
                    "eventName": "MODIFY" if key in seen else "INSERT",
                    "dynamodb": {"Keys": keys, "NewImage": item},
                }
                seen[key] = item

    def ask() -> dict[str, list[Record]]:
        records = list(written())
        passed = {who: [one for one in records if matches(one, pattern)] for who, pattern in filters.items()}
        return {who: some for who, some in passed.items() if some}

    return ask


def matches(record: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    """Judge as Lambda does (Lambda guide, "Filter rule syntax"), by the rules that infra/ uses."""
    for key, rule in pattern.items():
        if key not in record:
            return False
        found = record[key]
        if not (matches(found, rule) if isinstance(rule, dict) else any(_is(found, one) for one in rule)):
            return False
    return True


def _is(found: str, rule: str | Mapping[str, str]) -> bool:
    match rule:
        case str():
            return found == rule
        case {"prefix": start}:
            return found.startswith(start)
    raise NotImplementedError(rule)


def test_a_job_that_is_queued_wakes_the_dispatcher_and_one_that_has_news_its_tellers(
    dynamodb: DynamoDBClient, woken: Woken
) -> None:
    jobs, runs, run = DynamoDBJobStore(dynamodb, TABLE), DynamoDBRunStore(dynamodb, TABLE), make_run()
    awaiting = jobs.create(make_job(handling=Handling(retention_seconds=3600, delete_media=True)))
    assert not woken()

    queued = awaiting.queued(at=NOW, media=make_media(duration=61.5))
    jobs.save(awaiting, queued)
    told = woken()
    assert set(told) == {"dispatch", "on_job_change"}
    assert list(durations({"Records": told["dispatch"]})) == [61.5]

    claimed = queued.claimed(at=NOW)
    runs.claim(queued, claimed, run, now=NOW)
    assert not woken()
    runs.renew(claimed.id, run.model_copy(update={"lease_expires_at": NOW + timedelta(minutes=9), "done": 30.0}))
    assert not woken()

    returned = claimed.returned(counted=True)
    runs.finish(claimed, returned, run.attempt)
    told = woken()
    assert set(told) == {"dispatch"}, "whoever gave it back may be missing"
    assert list(durations({"Records": told["dispatch"]})) == []

    resent = returned.resent(at=NOW)
    jobs.save(returned, resent)
    assert set(woken()) == {"dispatch"}

    again = resent.claimed(at=NOW)
    runs.claim(resent, again, run, now=NOW)
    assert not woken()
    completed = again.completed(at=NOW, transcript=make_ref())
    runs.finish(again, completed, run.attempt)
    assert set(woken()) == {"on_job_change"}
    jobs.save(completed, completed.deleted(at=NOW))
    assert not woken()


def test_one_that_is_queued_from_the_start_wakes_it_too(dynamodb: DynamoDBClient, woken: Woken) -> None:
    DynamoDBJobStore(dynamodb, TABLE).create(make_queued_job())
    assert set(woken()) == {"dispatch", "on_job_change"}


def test_a_job_that_is_cancelled_does_not(dynamodb: DynamoDBClient, woken: Woken) -> None:
    jobs, queued = DynamoDBJobStore(dynamodb, TABLE), make_queued_job()
    jobs.create(queued)
    woken()
    jobs.save(queued, queued.cancelled(at=NOW))
    assert set(woken()) == {"on_job_change"}
