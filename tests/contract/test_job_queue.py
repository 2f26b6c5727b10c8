"""JobQueue: the fake and SQS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.job_queue import MESSAGE, JobQueueContract, receive
from tests.fakes import FakeClock
from tests.fakes_queue import FakeJobQueue
from tiro.adapters.sqs import SQSJobQueue
from tiro.handling import Priority
from tiro.ports import JobQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient


class TestFakeJobQueue(JobQueueContract):
    @pytest.fixture
    def queue(self) -> JobQueue:
        return FakeJobQueue(FakeClock())

    def test_a_message_nobody_holds_on_to_comes_again(self) -> None:
        clock = FakeClock()
        queue = FakeJobQueue(clock, visibility=30)
        queue.send(MESSAGE, owner="ada")
        first = receive(queue)
        clock.advance(29)
        queue.extend(first, seconds=30)
        clock.advance(29)
        assert queue.receive(wait_seconds=0) is None
        clock.advance(1)
        assert receive(queue).receives == 2


class TestSQSJobQueue(JobQueueContract):
    @pytest.fixture
    def queue(self, sqs: SQSClient, queue_url: str) -> JobQueue:
        other = sqs.create_queue(QueueName=f"{queue_url.rsplit('/', 1)[-1]}-batch")["QueueUrl"]
        return SQSJobQueue(sqs, queue_url, other)

    def test_without_a_second_queue_nothing_is_lost(self, sqs: SQSClient, queue_url: str) -> None:
        queue = SQSJobQueue(sqs, queue_url)
        queue.send(MESSAGE, owner="ada", priority=Priority.BATCH)
        assert receive(queue).body == MESSAGE.model_dump_json()

    def test_an_owner_is_a_message_group(self, queue: JobQueue, sqs: SQSClient, queue_url: str) -> None:
        """That is what makes a standard queue fair."""
        queue.send(MESSAGE, owner="ada")
        (message,) = sqs.receive_message(QueueUrl=queue_url, MessageSystemAttributeNames=["MessageGroupId"])["Messages"]
        assert message["Attributes"]["MessageGroupId"] == "ada"

    def test_a_job_s_trace_travels_as_x_ray_s(self, queue: JobQueue, sqs: SQSClient, queue_url: str) -> None:
        trace = "1-5759e988-bd862e3fe1be46a994272793"
        queue.send(MESSAGE.model_copy(update={"trace": trace}), owner="ada")
        (message,) = sqs.receive_message(QueueUrl=queue_url, MessageSystemAttributeNames=["AWSTraceHeader"])["Messages"]
        assert message["Attributes"]["AWSTraceHeader"] == f"Root={trace}"
