"""A queue as each of ours is, with a dead-letter queue behind it."""

from __future__ import annotations

from typing import Any, cast

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

RETENTION_DAYS = 14
"""SQS's longest. Nothing waits so long unless something is broken, and then it must not be lost."""

MAX_RECEIVES = 20
"""A net for crashes only: attempts are counted on the job, and a receive is not always an attempt."""

DATA_KEY_SECONDS = 3600
"""KMS is asked once in so long, by each who reads or writes: SQS's own five minutes would cost twelve times as much."""


class Queue(Construct):
    """A queue and its dead-letter queue. A message handed out is hidden for `visibility` seconds."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        visibility: int,
        dead_letter_visibility: int = 30,  # SQS's default, where nobody reads them but a person
        key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = make_queue(self, "DeadLetters", visibility=dead_letter_visibility, key=key)
        self.queue = make_queue(
            self,
            "Queue",
            visibility=visibility,
            key=key,
            receive_message_wait_time=Duration.seconds(20),  # SQS's longest: fewer empty receives
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVES),
        )


def make_queue(
    scope: Construct, construct_id: str, *, visibility: int, key: kms.IKey | None = None, **properties: Any
) -> sqs.Queue:
    queue = sqs.Queue(
        scope,
        construct_id,
        visibility_timeout=Duration.seconds(visibility),
        retention_period=Duration.days(RETENTION_DAYS),
        encryption=sqs.QueueEncryption.UNENCRYPTED if key else sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        **properties,
    )
    if key:
        # Told to CloudFormation, not to CDK, which would let every reader use the key for anything (infra/grants.py).
        resource = cast(sqs.CfnQueue, queue.node.default_child)
        resource.sqs_managed_sse_enabled = None
        resource.kms_master_key_id = key.key_arn
        resource.kms_data_key_reuse_period_seconds = DATA_KEY_SECONDS
    return queue
