"""What a change of a job sets off: the table's stream wakes a function, which tells the bus and the webhooks."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk.aws_lambda_event_sources import SqsDlq
from constructs import Construct

from infra.nag import acknowledge
from infra.queueing import make_queue

NEWS = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "event#"}]}}}}
"""Of all that changes in the table the outbox alone (tiro/adapters/dynamodb/outbox.py); the rest wakes nobody."""

LONGEST_HOURS = 20
"""A stream forgets after 24. What nobody could pass on until then is set aside, and the next is taken."""


class Changes(Construct):
    """An event bus of the stack's own: a rule of somebody else's never matches another stage by mistake."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(self, "Bus", event_bus_name=name)
        # Which records of the stream were given up: not what they say, which the table knows for a week.
        self.given_up = make_queue(self, "GivenUp", visibility=30, key=key)
        acknowledge(self.given_up, "SQS3", "It is the dead-letter queue of a stream.")

    def wake(self, function: lambda_.Function, stream_arn: str) -> None:
        """Have the news of the stream brought to a function, in order for each job, again until it takes them."""
        function.add_event_source_mapping(
            "News",
            event_source_arn=stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=10,
            filters=[{"pattern": json.dumps(NEWS)}],
            report_batch_item_failures=True,
            bisect_batch_on_error=True,
            max_record_age=Duration.hours(LONGEST_HOURS),
            parallelization_factor=10,
            on_failure=SqsDlq(self.given_up),
        )
