"""From a job's change to its delivery, each function woken as AWS wakes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions import on_delivery, on_job_change, on_schedule, wiring
from tests.factories import make_queued_job, make_ref
from tests.fakes_delivery import FakeEventBus, FakeNotifier
from tests.functions.conftest import Stack, sqs_event
from tests.functions.jobs import JOBS, LONG_AGO, ask
from tiro.adapters.dynamodb.outbox import PREFIX
from tiro.delivery import Delivery, event_of
from tiro.errors import ServiceUnavailable
from tiro.message import DeliveryMessage
from tiro.pace import Pace
from tiro.signature import new_secret, verify

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sqs.client import SQSClient

SECRET = new_secret(bytes(32))


@pytest.fixture
def notifier(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeNotifier:
    fake = FakeNotifier()
    monkeypatch.setattr(wiring, "notifier", lambda: fake)
    return fake


@pytest.fixture
def bus(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> FakeEventBus:
    fake = FakeEventBus()
    monkeypatch.setenv("TIRO_EVENT_BUS", "bus")
    monkeypatch.setattr(wiring, "event_bus", lambda _: fake)
    return fake


def news(dynamodb: DynamoDBClient, stack: Stack, job_id: str) -> dict[str, Any]:
    """Return what the stream brings of a job, past its filter."""
    found = dynamodb.query(
        TableName=stack.settings.table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues={":pk": {"S": f"job#{job_id}"}, ":prefix": {"S": PREFIX}},
    )["Items"]
    return {
        "Records": [
            {"eventID": str(i), "eventName": "INSERT", "dynamodb": {"SequenceNumber": str(i), "NewImage": item}}
            for i, item in enumerate(found)
        ]
    }


def deliver_all(sqs: SQSClient, stack: Stack) -> list[str]:
    bodies = []
    while found := sqs.receive_message(QueueUrl=stack.settings.delivery_queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in found:
            sqs.delete_message(QueueUrl=stack.settings.delivery_queue_url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    assert on_delivery.handler(sqs_event(*bodies), None) == {"batchItemFailures": []}
    return bodies


def submit(stack: Stack, **more: Any) -> str:
    body = json.dumps({"source": {"upload": {}}, **more})
    answer = stack.call("POST", "/v1/transcriptions", body=body)
    assert answer["statusCode"] == 202, answer["body"]
    return str(answer["body"]["id"])


def cancel(stack: Stack, job_id: str) -> None:
    assert stack.call("POST", f"/v1/transcriptions/{job_id}/cancel")["statusCode"] == 200


def make_endpoint(stack: Stack, **more: Any) -> Mapping[str, Any]:
    answer = stack.call("POST", "/v1/webhooks", body=json.dumps({"url": "https://example.com/", **more}))
    assert answer["statusCode"] == 201, answer["body"]
    made: dict[str, Any] = answer["body"]
    assert answer["multiValueHeaders"]["Location"] == [f"/v1/webhooks/{made['id']}"]
    return made


class TestTheWholeWay:
    def test_a_cancelled_job_is_told(
        self, stack: Stack, notifier: FakeNotifier, bus: FakeEventBus, dynamodb: DynamoDBClient, sqs: SQSClient
    ) -> None:
        endpoint = make_endpoint(stack)
        job_id = submit(stack, metadata={"order": "17"})
        cancel(stack, job_id)
        assert on_job_change.handler(news(dynamodb, stack, job_id), None) == {"batchItemFailures": []}
        deliver_all(sqs, stack)
        [(url, headers, body)] = notifier.told
        assert url == "https://example.com/"
        verify(body, headers, secrets=[endpoint["secret"]], now=wiring.clock().now())
        assert [event.type for event in bus.events] == ["transcription.cancelled"]
        answer = stack.call("GET", f"/v1/transcriptions/{job_id}/deliveries")
        [delivery] = answer["body"]["data"]
        assert (delivery["state"], delivery["endpoint"]) == ("delivered", endpoint["id"])
        assert [attempt["status"] for attempt in delivery["attempts"]] == [204]
        assert "order" not in json.dumps(answer["body"])
        other = stack.call("GET", f"/v1/transcriptions/{job_id}/deliveries", owner="bob")
        assert other["statusCode"] == 404

        path = f"/v1/transcriptions/{job_id}/deliveries/{delivery['id']}/redeliver"
        assert stack.call("POST", path)["statusCode"] == 202
        deliver_all(sqs, stack)
        assert len(notifier.told) == 2
        assert stack.call("POST", path.replace("dlv_", "dlv_0"))["body"]["code"] == "delivery_not_found"

    def test_what_happens_is_counted_once_and_traced_from_the_call_on(
        self,
        stack: Stack,
        notifier: FakeNotifier,
        bus: FakeEventBus,
        dynamodb: DynamoDBClient,
        sqs: SQSClient,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        make_endpoint(stack)
        trace = {"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793"}
        answer = stack.call("POST", "/v1/transcriptions", body='{"source": {"upload": {}}}', headers=trace)
        job_id = answer["body"]["id"]
        cancel(stack, job_id)
        capsys.readouterr()
        on_job_change.handler(news(dynamodb, stack, job_id), None)
        deliver_all(sqs, stack)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        metrics = [line for line in lines if "_aws" in line]
        assert [line.get("JobsCancelled") or line.get("DeliveriesDelivered") for line in metrics] == [[1.0], [1.0]]
        for line in metrics:
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            assert (directive["Namespace"], directive["Dimensions"]) == ("Tiro", [["stage"]])
        [(_, headers, _)] = notifier.told
        assert headers["traceparent"].startswith("00-5759e988bd862e3fe1be46a994272793-")
        assert bus.events[0].trace == "1-5759e988-bd862e3fe1be46a994272793"

    def test_a_job_s_own_webhook(
        self, stack: Stack, notifier: FakeNotifier, bus: FakeEventBus, dynamodb: DynamoDBClient, sqs: SQSClient
    ) -> None:
        make_endpoint(stack)
        url = "https://own.example/hooks/AHooksToken?token=AnotherToken"
        job_id = submit(stack, webhook={"url": url, "secret": SECRET})
        seen = stack.call("GET", f"/v1/transcriptions/{job_id}")
        assert SECRET not in json.dumps(seen)
        cancel(stack, job_id)
        on_job_change.handler(news(dynamodb, stack, job_id), None)
        deliver_all(sqs, stack)
        assert [url for url, _, _ in notifier.told] == [url]
        log = stack.call("GET", f"/v1/transcriptions/{job_id}/deliveries")
        assert log["body"]["data"][0]["url"] == "https://own.example"
        assert not [word for word in (SECRET, "Token") if word in json.dumps(log)]

    def test_the_end_of_a_job_says_how_fast_the_work_goes(self, stack: Stack, bus: FakeEventBus) -> None:
        now = wiring.clock().now()
        claimed = make_queued_job().claimed(at=now - timedelta(seconds=10))
        told = event_of(claimed, claimed.completed(at=now, transcript=make_ref()))
        assert told
        image = {"document": {"S": told.model_dump_json()}}
        records = [{"eventID": "1", "dynamodb": {"SequenceNumber": "1", "NewImage": image}}]
        assert on_job_change.handler({"Records": records}, None) == {"batchItemFailures": []}
        assert wiring.pace().lately(at=now) == Pace(1, 10.0)
        assert b"worked" not in told.body()

    def test_what_is_told_of_a_deleted_job_leaves_nothing(
        self, stack: Stack, notifier: FakeNotifier, bus: FakeEventBus, dynamodb: DynamoDBClient, sqs: SQSClient
    ) -> None:
        job_id = submit(stack, webhook={"url": "https://own.example/", "secret": SECRET}, metadata={"order": "17"})
        cancel(stack, job_id)
        brought = news(dynamodb, stack, job_id)
        assert stack.call("DELETE", f"/v1/transcriptions/{job_id}")["statusCode"] == 204
        on_job_change.handler(brought, None)
        deliver_all(sqs, stack)
        assert len(notifier.told) == 1
        assert not wiring.deliveries().of_job(job_id)
        items = dynamodb.scan(TableName=stack.settings.table)["Items"]
        assert SECRET not in str(items)

    def test_a_crash_in_between_loses_nothing(
        self,
        stack: Stack,
        notifier: FakeNotifier,
        bus: FakeEventBus,
        dynamodb: DynamoDBClient,
        sqs: SQSClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        make_endpoint(stack)
        job_id = submit(stack)
        cancel(stack, job_id)
        records = news(dynamodb, stack, job_id)
        with monkeypatch.context() as patch:

            def down(_: object) -> None:
                raise ServiceUnavailable

            patch.setattr(bus, "publish", down)
            assert on_job_change.handler(records, None) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
        assert on_job_change.handler(records, None) == {"batchItemFailures": []}
        assert len(deliver_all(sqs, stack)) == 2
        assert (len(notifier.told), len(bus.events)) == (1, 1)

    def test_the_schedule_looks_after_deliveries_too(self, stack: Stack) -> None:
        assert set(on_schedule.handler({}, None).values()) == {0}


class TestEndpoints:
    def test_one_comes_is_seen_rotated_and_goes(self, stack: Stack) -> None:
        made = make_endpoint(stack, description="mine")
        path = f"/v1/webhooks/{made['id']}"
        seen = stack.call("GET", path)["body"]
        assert (seen["url"], seen["description"]) == ("https://example.com/", "mine")
        assert seen["events"] == ["transcription.completed", "transcription.failed", "transcription.cancelled"]
        assert [one["id"] for one in stack.call("GET", "/v1/webhooks")["body"]["data"]] == [made["id"]]
        rotated = stack.call("POST", f"{path}/rotate")["body"]
        assert rotated["secret"] != made["secret"]
        assert rotated["old_secret_until"]
        for answer in (stack.call("GET", path), stack.call("GET", "/v1/webhooks")):
            assert "whsec_" not in json.dumps(answer)
        assert stack.call("DELETE", path)["statusCode"] == 204
        assert stack.call("GET", path)["body"]["code"] == "webhook_not_found"

    def test_another_owner_s_is_not_there(self, stack: Stack) -> None:
        path = f"/v1/webhooks/{make_endpoint(stack)['id']}"
        for method, where in (("GET", path), ("POST", f"{path}/rotate"), ("POST", f"{path}/test")):
            assert stack.call(method, where, owner="bob")["body"]["code"] == "webhook_not_found"
        stack.call("DELETE", path, owner="bob")
        assert stack.call("GET", path)["statusCode"] == 200

    def test_the_same_call_makes_one(self, stack: Stack) -> None:
        body, key = '{"url": "https://example.com/"}', {"Idempotency-Key": "k"}
        first, second = (stack.call("POST", "/v1/webhooks", body=body, headers=key)["body"] for _ in range(2))
        assert first == second
        assert len(stack.call("GET", "/v1/webhooks")["body"]["data"]) == 1

    def test_a_test_tells_what_was_answered(self, stack: Stack, notifier: FakeNotifier) -> None:
        path = f"/v1/webhooks/{make_endpoint(stack)['id']}/test"
        assert stack.call("POST", path)["body"]["status"] == 204
        notifier.answers = [302]
        answer = stack.call("POST", path)["body"]
        assert (answer["status"], answer["error"]) == (302, "It answered 302, and a redirect is not followed.")

    @pytest.mark.parametrize(
        "body",
        [
            {"url": "http://example.com/"},
            {"url": "https://localhost:22/"},
            {"url": "https://10.0.0.1/"},
            {"url": "https://example.com/", "events": []},
            {"url": "https://example.com/", "events": ["job.done"]},
            {"url": "https://example.com/", "secret": "x"},
            {},
        ],
    )
    def test_what_is_no_endpoint_is_refused(self, stack: Stack, body: dict[str, Any]) -> None:
        answer = stack.call("POST", "/v1/webhooks", body=json.dumps(body))
        assert (answer["statusCode"], answer["body"]["code"]) == (422, "invalid_request")

    @pytest.mark.parametrize(
        "webhook",
        [
            {"url": "https://own.example/"},
            {"url": "https://own.example/", "secret": "whsec_SECRETSECRET"},
            {"url": "http://own.example/", "secret": SECRET},
            {"endpoint": "wh_nobodys"},
            {"endpoint": "wh_1", "url": "https://own.example/", "secret": SECRET},
            {},
        ],
    )
    def test_a_wrong_webhook_makes_no_job(self, stack: Stack, webhook: dict[str, Any]) -> None:
        body = json.dumps({"source": {"upload": {}}, "webhook": webhook})
        answer = stack.call("POST", "/v1/transcriptions", body=body)
        assert (answer["statusCode"], answer["body"]["code"]) == (422, "invalid_request")
        assert "SECRETSECRET" not in json.dumps(answer)


def test_a_receiver_may_be_silent_for_as_long_as_it_may_take(stack: Stack) -> None:
    terms = wiring.notifier().egress.terms
    assert terms.idle_seconds == terms.seconds == stack.settings.delivery_seconds


def told(stack: Stack, job_id: str, dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    """Have the stream bring what a job has to tell, on a bus that is there; return the delivery that is made of it."""
    bus = f"{stack.settings.table}-bus"
    boto3.client("events").create_event_bus(Name=bus)
    monkeypatch.setenv("TIRO_EVENT_BUS", bus)
    wiring.settings.cache_clear()
    assert on_job_change.handler(news(dynamodb, stack, job_id), None) == {"batchItemFailures": []}
    [delivery] = wiring.deliveries().of_job(job_id)
    return delivery


@pytest.mark.parametrize(("answer", "becomes"), [(500, "pending"), (410, "failed"), (429, "pending")])
def test_a_receiver_that_fails_is_asked_again_and_one_that_is_gone_is_not(
    stack: Stack,
    notifier: FakeNotifier,
    dynamodb: DynamoDBClient,
    monkeypatch: pytest.MonkeyPatch,
    answer: int,
    becomes: str,
) -> None:
    stack.call("POST", "/v1/webhooks", body='{"url": "https://example.com/"}')
    job_id = ask(stack)
    stack.call("POST", f"{JOBS}/{job_id}/cancel")
    delivery = told(stack, job_id, dynamodb, monkeypatch)
    notifier.answers = [answer]
    message = DeliveryMessage(job_id=job_id, delivery_id=delivery.id, revision=delivery.revision)
    assert on_delivery.handler(sqs_event(message.model_dump_json()), None) == {"batchItemFailures": []}
    after = wiring.deliveries().get(job_id, delivery.id)
    assert after.state == becomes
    if becomes == "pending":  # and its message is lost
        wiring.deliveries().save(after, after.model_copy(update={"due_at": LONG_AGO, "revision": after.revision + 1}))
        assert on_schedule.handler({}, None)["deliveries"] == 1
