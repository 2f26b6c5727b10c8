"""How old what waits on a queue may be: SQS tells only how much it is, and CloudWatch how old, a minute later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tiro.adapters.aws import aws_errors

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
    """ports.Backlog, of one queue or of several together: of those the oldest message counts.

    An empty queue holds nothing, however old. Of one that is not, CloudWatch knows the age of the oldest message;
    of several points the most careful counts. Where there is no such metric (an emulator, the first minutes of a
    queue) only an empty queue tells.
    """

    def __init__(self, sqs: SQSClient, cloudwatch: Any, *queue_urls: str) -> None:
        self._sqs, self._cloudwatch = sqs, cloudwatch
        self._queue_urls = [url for url in queue_urls if url]

    def cleared_until(self, now: datetime) -> datetime | None:
        with aws_errors():
            known = [self._cleared_until(now, url) for url in self._queue_urls]
        cleared = [at for at in known if at is not None]
        return min(cleared) if len(cleared) == len(known) else None

    def _cleared_until(self, now: datetime, url: str) -> datetime | None:
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
        if not any(int(found.get(count, 1)) for count in COUNTS):
            return now
        return self._oldest_sent(now, url)

    def _oldest_sent(self, now: datetime, url: str) -> datetime | None:
        """Return when the oldest message was sent, at the earliest."""
        points = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": url.rpartition("/")[2]}],
            StartTime=now - LOOK_BACK,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        return min((point["Timestamp"] - timedelta(seconds=point["Maximum"]) for point in points), default=None)
