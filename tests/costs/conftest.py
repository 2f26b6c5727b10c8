"""A stack on moto, of which every call is counted."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient

from functions import wiring
from tests.contract.conftest import _region, bucket, dynamodb, queue_url, s3, sqs, table  # noqa: F401  (fixtures)
from tests.costs.meter import Meter
from tests.functions.conftest import Stack, stack  # noqa: F401  (fixtures)
from tests.web import HERE
from tiro.settings import variable

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter()

    def counted(client: Any, operation: str, params: dict[str, Any]) -> Any:
        return meter.call(client, operation, params)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    return meter


@pytest.fixture
def logged(apart: Stack) -> Iterator[io.StringIO]:
    """What the functions log."""
    said = io.StringIO()
    names = ("api", "authorize", "on_upload", "on_job_change", "on_delivery")
    handlers = [h for name in names for h in wiring.logger(name).handlers if isinstance(h, logging.StreamHandler)]
    before = [handler.setStream(said) for handler in handlers]
    yield said
    for handler, stream in zip(handlers, before, strict=True):
        handler.setStream(stream)


@pytest.fixture
def apart(stack: Stack, sqs: SQSClient, monkeypatch: pytest.MonkeyPatch) -> Stack:  # noqa: F811
    """The stack with queues of their own for fetches and deliveries, and a receiver that may be on this machine."""
    for name in ("fetch_queue_url", "delivery_queue_url"):
        url = sqs.create_queue(QueueName=f"{stack.settings.table}-{name}")["QueueUrl"]
        monkeypatch.setenv(variable(name), url)
    monkeypatch.setenv(variable("allow_networks"), HERE)
    monkeypatch.setenv(variable("webhook_schemes"), "https,http")
    monkeypatch.setenv(variable("event_bus"), "default")
    wiring.settings.cache_clear()
    return stack
