"""What is known of the age of what waits on a queue: nothing that is not so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests.factories import NOW
from tests.fakes import FakeClock
from tests.fakes_queue import FakeJobQueue
from tiro.adapters.backlog import SQSBacklog
from tiro.errors import ServiceUnavailable
from tiro.message import JobMessage

URL = "https://sqs.eu-west-1.amazonaws.com/000000000000/work"
MESSAGE = JobMessage(job_id="01a", generation=1)


class Stubbed:
    """SQS and CloudWatch as they answer when they are told to."""

    def __init__(self) -> None:
        self.sqs, self.cloudwatch = (boto3.client(name, region_name="eu-west-1") for name in ("sqs", "cloudwatch"))
        self._stubs = [Stubber(self.sqs), Stubber(self.cloudwatch)]
        for stub in self._stubs:
            stub.activate()
        self.backlog = SQSBacklog(self.sqs, self.cloudwatch, URL)

    def holds(self, visible: int = 0, in_hand: int = 0, delayed: int = 0) -> None:
        counts = {"": visible, "NotVisible": in_hand, "Delayed": delayed}
        answer = {f"ApproximateNumberOfMessages{name}": str(count) for name, count in counts.items()}
        self._stubs[0].add_response("get_queue_attributes", {"Attributes": answer})

    def ages(self, *points: tuple[datetime, float]) -> None:
        found = [{"Timestamp": at, "Maximum": age} for at, age in points]
        self._stubs[1].add_response("get_metric_statistics", {"Datapoints": found})

    def fails(self, service: int, operation: str) -> None:
        self._stubs[service].add_client_error(operation, "ThrottlingException")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Stubbed:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return Stubbed()


def test_an_empty_queue_holds_nothing_however_old(aws: Stubbed) -> None:
    aws.holds()
    assert aws.backlog.cleared_until(NOW) == NOW


@pytest.mark.parametrize("where", ["visible", "in_hand", "delayed"])
def test_one_that_is_not_empty_is_as_old_as_cloudwatch_says(aws: Stubbed, where: str) -> None:
    aws.holds(**{where: 1})
    aws.ages((NOW - timedelta(minutes=2), 600.0), (NOW - timedelta(minutes=1), 540.0))
    assert aws.backlog.cleared_until(NOW) == NOW - timedelta(minutes=12), "of several points the most careful"


def test_where_there_is_no_such_metric_nobody_can_tell(aws: Stubbed) -> None:
    aws.holds(visible=1)
    aws.ages()
    assert aws.backlog.cleared_until(NOW) is None


@pytest.mark.parametrize("service", [0, 1])
def test_who_does_not_answer_tells_nothing(aws: Stubbed, service: int) -> None:
    if service:
        aws.holds(visible=1)
    aws.fails(service, ["get_queue_attributes", "get_metric_statistics"][service])
    with pytest.raises(ServiceUnavailable):
        aws.backlog.cleared_until(NOW)


def test_a_real_queue_is_asked_by_its_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws():
        sqs: Any = boto3.client("sqs", region_name="eu-west-1")
        url = sqs.create_queue(QueueName="work")["QueueUrl"]
        backlog = SQSBacklog(sqs, boto3.client("cloudwatch", region_name="eu-west-1"), url)
        now = datetime.now(UTC)
        assert backlog.cleared_until(now) == now
        sqs.send_message(QueueUrl=url, MessageBody="{}")
        assert backlog.cleared_until(now) is None
        sqs.receive_message(QueueUrl=url)
        assert backlog.cleared_until(now) is None, "what is in hand is there too"


def test_the_fake_knows_its_messages() -> None:
    clock = FakeClock()
    queue = FakeJobQueue(clock)
    assert queue.cleared_until(clock.now()) == clock.now()
    sent = clock.now()
    queue.send(MESSAGE, owner="ada")
    clock.advance(60)
    queue.send(MESSAGE, owner="ada")
    assert queue.cleared_until(clock.now()) == sent
    queue.lose()
    assert queue.cleared_until(clock.now()) == clock.now()
