"""Events on the account's bus, by moto."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.factories import NOW, make_queued_job
from tiro.adapters import aws
from tiro.adapters.eventbridge import EventBridgeBus
from tiro.delivery import event_of
from tiro.errors import ServiceUnavailable
from tiro.signature import new_secret
from tiro.webhook import JobWebhook


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A queue that hears what is on the bus `tiro`."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        sqs, events = boto3.client("sqs"), boto3.client("events")
        url: str = sqs.create_queue(QueueName="q")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.create_event_bus(Name="tiro")
        events.put_rule(Name="r", EventBusName="tiro", EventPattern='{"detail-type": ["Transcription State Change"]}')
        events.put_targets(Rule="r", EventBusName="tiro", Targets=[{"Id": "1", "Arn": arn}])
        yield url


def test_an_event_is_published_without_a_secret(queue: str) -> None:
    secret = new_secret(bytes(32))
    job = make_queued_job(metadata={"order": "17"}, webhook=JobWebhook(url="https://own.example/", secret=secret))
    event = event_of(job, job.cancelled(at=NOW))
    assert event
    EventBridgeBus(aws.events_client(), "tiro").publish(event)
    [message] = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(message["Body"])
    assert (told["source"], told["detail-type"]) == ("tiro", "Transcription State Change")
    detail = told["detail"]
    assert (detail["id"], detail["status"], detail["owner"]) == (job.id, "cancelled", job.owner)
    assert detail["metadata"] == {"order": "17"}
    assert "whsec_" not in message["Body"]


def test_what_was_not_taken_is_told() -> None:
    class Busy:
        def put_events(self, **_: object) -> object:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    event = event_of(None, make_queued_job())
    assert event
    with pytest.raises(ServiceUnavailable, match="ThrottlingException"):
        EventBridgeBus(Busy(), "tiro").publish(event)  # type: ignore[arg-type]  # it takes nothing
