"""How old what waits on a queue may be: SQS tells only how much it is, and CloudWatch how old, a minute later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tiro.adapters.aws import unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

COUNTS: tuple[QueueAttributeNameType, ...] = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

LOOK_BACK = timedelta(minutes=10)
"""Of the metric. It comes a minute late, and one point that is missing is not to blind us."""


class SQSBacklog:
    """ports.Backlog.

    An empty queue holds nothing, however old. Of one that is not, CloudWatch knows the age of the oldest message;
    of several points the most careful counts. Where there is no such metric (an emulator, the first minutes of a
    queue) only an empty queue tells.
    """

    def __init__(self, sqs: SQSClient, cloudwatch: Any, queue_url: str) -> None:
        self._sqs, self._cloudwatch, self._queue_url = sqs, cloudwatch, queue_url

    def cleared_until(self, now: datetime) -> datetime | None:
        with _aws_errors():
            found = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=COUNTS)["Attributes"]
            if not any(int(found.get(count, 1)) for count in COUNTS):
                return now
            return self._oldest_sent(now)

    def _oldest_sent(self, now: datetime) -> datetime | None:
        """Return when the oldest message was sent, at the earliest."""
        points = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": self._queue_url.rpartition("/")[2]}],
            StartTime=now - LOOK_BACK,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        return min((point["Timestamp"] - timedelta(seconds=point["Maximum"]) for point in points), default=None)


@contextmanager
def _aws_errors() -> Iterator[None]:
    """Let no error of botocore's out. Raises ServiceUnavailable."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise unavailable(error) from error
