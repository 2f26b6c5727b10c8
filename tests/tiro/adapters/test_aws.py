"""How the clients are made."""

from __future__ import annotations

import pytest

from tiro.adapters import aws


def test_buckets_are_host_names_on_aws_and_paths_on_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    assert presigned().startswith("https://media.s3.eu-west-1.amazonaws.com/a?")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert presigned().startswith("http://127.0.0.1:4566/media/a?")


def presigned() -> str:
    return aws.s3_client().generate_presigned_url("put_object", Params={"Bucket": "media", "Key": "a"})
