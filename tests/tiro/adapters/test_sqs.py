"""What moto cannot do to us: networks that fail, handles that expire in AWS's own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from tiro.adapters.sqs import SQSJobQueue
from tiro.errors import ServiceUnavailable
from tiro.message import JobMessage
from tiro.ports import Received

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

RECEIVED = Received(body="{}", handle="handle", receives=1)

CALLS: dict[str, tuple[str, Callable[[SQSJobQueue], Any]]] = {
    "send": ("send_message", lambda q: q.send(JobMessage(job_id="01a", generation=1), owner="ada")),
    "receive": ("receive_message", lambda q: q.receive(wait_seconds=0)),
    "extend": ("change_message_visibility", lambda q: q.extend(RECEIVED, seconds=1)),
    "delete": ("delete_message", lambda q: q.delete(RECEIVED)),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_network_that_fails_is_worth_another_try(sqs: SQSClient, call: str) -> None:
    with pytest.raises(ServiceUnavailable):
        CALLS[call][1](SQSJobQueue(sqs, "http://127.0.0.1:1/queue"))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("code", ["RequestThrottled", "AccessDenied", "AWS.SimpleQueueService.NonExistentQueue"])
def test_a_queue_that_does_not_answer_is_worth_another_try(sqs: SQSClient, call: str, code: str) -> None:
    operation, do = CALLS[call]
    with Stubber(sqs) as stub:
        stub.add_client_error(operation, code)
        with pytest.raises(ServiceUnavailable, match=code):
            do(SQSJobQueue(sqs, "http://127.0.0.1:1/queue"))


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"])
def test_a_handle_that_expired_is_forgiven_but_nothing_is_sent_in_vain(sqs: SQSClient, code: str) -> None:
    queue = SQSJobQueue(sqs, "http://127.0.0.1:1/queue")
    with Stubber(sqs) as stub:
        for call in ("extend", "delete"):
            stub.add_client_error(CALLS[call][0], code)
            CALLS[call][1](queue)
        stub.add_client_error("send_message", code)
        with pytest.raises(ServiceUnavailable):
            CALLS["send"][1](queue)
