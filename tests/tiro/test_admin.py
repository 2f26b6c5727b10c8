"""Keys as an operator makes them, against DynamoDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tests.factories import NOW
from tiro.adapters.dynamodb import DynamoDBKeyStore
from tiro.admin import create_key, open_keys
from tiro.errors import InvalidRequest, NotConfigured, ServiceUnavailable
from tiro.key import ApiKey, Scope, hash_key, new_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ENTROPY = bytes(range(40))
ACCOUNT = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture
def dynamodb() -> Iterator[DynamoDBClient]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-west-1")
        client.create_table(
            TableName="jobs",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield client


def create(owner: str, environ: dict[str, str], directory: Path) -> str:
    return create_key(open_keys(environ, directory), owner, at=NOW, entropy=ENTROPY)[0]


def owner_of(dynamodb: DynamoDBClient, key: str) -> str | None:
    known = DynamoDBKeyStore(dynamodb, "jobs").find(hash_key(key))
    return known.owner if known else None


def test_the_key_opens_and_only_its_hash_is_stored(dynamodb: DynamoDBClient, tmp_path: Path) -> None:
    key = create("ada", {"TIRO_TABLE": "jobs", **ACCOUNT}, tmp_path)
    assert key == new_key(ENTROPY[:32])
    assert owner_of(dynamodb, key) == "ada"
    assert key not in str(dynamodb.scan(TableName="jobs")["Items"])


def test_a_running_sandbox_is_found_with_its_account(dynamodb: DynamoDBClient, tmp_path: Path) -> None:
    before = dict(os.environ)
    (tmp_path / ".sandbox").mkdir()
    lines = [f"{name}={value}" for name, value in {"TIRO_TABLE": "jobs", **ACCOUNT}.items()]
    (tmp_path / ".sandbox" / "env").write_text("\n".join(lines))
    key = create("ada", {"AWS_REGION": "us-east-1"}, tmp_path)
    assert owner_of(dynamodb, key) == "ada"
    assert dict(os.environ) == before


def test_an_id_says_nothing_of_its_key(dynamodb: DynamoDBClient, tmp_path: Path) -> None:
    store = open_keys({"TIRO_TABLE": "jobs", **ACCOUNT}, tmp_path)
    key, known = create_key(
        store, "ada", scopes=frozenset({Scope.READ}), lifetime=timedelta(days=1), at=NOW, entropy=ENTROPY
    )
    assert known == ApiKey(
        id="key_2021222324252627",
        owner="ada",
        scopes=frozenset({Scope.READ}),
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )
    assert store.find(hash_key(key)) == known


@pytest.mark.parametrize("owner", ["", "Ada", "a b", "-a", "a-", "a\n", "a/b", "ä", "a" * 64])
def test_an_owner_that_cannot_be(dynamodb: DynamoDBClient, tmp_path: Path, owner: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be an owner's name"):
        create(owner, {"TIRO_TABLE": "jobs", **ACCOUNT}, tmp_path)
    assert not dynamodb.scan(TableName="jobs")["Items"]


def test_no_table_named(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="TIRO_TABLE is not set"):
        create("ada", {}, tmp_path)


def test_no_region(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="region"):
        create("ada", {"TIRO_TABLE": "jobs"}, tmp_path)


def test_no_such_table(dynamodb: DynamoDBClient, tmp_path: Path) -> None:
    with pytest.raises(ServiceUnavailable, match="ResourceNotFoundException"):
        create("ada", {"TIRO_TABLE": "another", **ACCOUNT}, tmp_path)
