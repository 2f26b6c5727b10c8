"""The queues on SQS: standard ones, fair between owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tiro.adapters.aws import aws_errors
from tiro.handling import Priority
from tiro.message import DeliveryMessage, FetchMessage, JobMessage
from tiro.pace import Depth
from tiro.ports import Received
from tiro.stored import encode

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

M = TypeVar("M", FetchMessage, DeliveryMessage)

_NO_LONGER_OURS = (
    "AWS.SimpleQueueService.MessageNotInflight",
    "MessageNotInflight",
    "ReceiptHandleIsInvalid",
    "InvalidParameterValue",  # a handle that expired, or a message hidden for the 12 hours that SQS allows
)


class SQSJobQueue:
    """ports.JobQueue, on two queues; without a second one, what may wait does not.

    A handle that is no longer good is not an error: the message is out of our hands, and what becomes of it is
    decided by whoever gets it next. Whose the job is, the lease says, never the queue.
    """

    def __init__(self, client: SQSClient, queue_url: str, batch_queue_url: str = "") -> None:
        self._client = client
        self._urls = {Priority.INTERACTIVE: queue_url, Priority.BATCH: batch_queue_url or queue_url}

    def send(self, message: JobMessage, *, owner: str, priority: Priority = Priority.INTERACTIVE) -> None:
        trace: Any = {"AWSTraceHeader": {"DataType": "String", "StringValue": f"Root={message.trace}"}}
        with aws_errors():
            self._client.send_message(
                QueueUrl=self._urls[priority],
                MessageBody=encode(message),
                MessageGroupId=owner,  # on a standard queue it orders nothing: it makes the queue fair
                MessageSystemAttributes=trace if message.trace else {},  # which is how X-Ray sees it pass
            )

    def receive(self, *, wait_seconds: int) -> Received | None:
        if len(set(self._urls.values())) == 1:
            return self._receive(Priority.INTERACTIVE, wait_seconds)
        # Waited for is the interactive queue alone, so that its messages are taken the moment they come.
        return (
            self._receive(Priority.INTERACTIVE, 0)
            or self._receive(Priority.BATCH, 0)
            or (self._receive(Priority.INTERACTIVE, wait_seconds) if wait_seconds else None)
        )

    def _receive(self, priority: Priority, wait_seconds: int) -> Received | None:
        with aws_errors():
            answer = self._client.receive_message(
                QueueUrl=self._urls[priority],
                MaxNumberOfMessages=1,  # one in hand: what waits behind it should wait in the queue
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        for message in answer.get("Messages", []):
            return Received(
                body=message["Body"],
                handle=message["ReceiptHandle"],
                receives=int(message["Attributes"]["ApproximateReceiveCount"]),
                priority=priority,
            )
        return None

    def depth(self, priority: Priority) -> Depth:
        with aws_errors():
            told = self._client.get_queue_attributes(
                QueueUrl=self._urls[priority],
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
        waiting, in_hand = told["ApproximateNumberOfMessages"], told["ApproximateNumberOfMessagesNotVisible"]
        return Depth(int(waiting), int(in_hand))

    def extend(self, received: Received, *, seconds: int) -> None:
        with aws_errors(forgive=_NO_LONGER_OURS):
            self._client.change_message_visibility(
                QueueUrl=self._urls[received.priority], ReceiptHandle=received.handle, VisibilityTimeout=seconds
            )

    def delete(self, received: Received) -> None:
        with aws_errors(forgive=_NO_LONGER_OURS):
            self._client.delete_message(QueueUrl=self._urls[received.priority], ReceiptHandle=received.handle)


class _SQSDelayQueue(Generic[M]):
    """One that a function reads, of messages that may have to wait."""

    def __init__(self, client: SQSClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, message: M, *, owner: str, delay_seconds: int = 0) -> None:
        with aws_errors():
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=encode(message),
                MessageGroupId=owner,
                DelaySeconds=delay_seconds,
            )


class SQSFetchQueue(_SQSDelayQueue[FetchMessage]):
    """ports.FetchQueue."""


class SQSDeliveryQueue(_SQSDelayQueue[DeliveryMessage]):
    """ports.DeliveryQueue."""
