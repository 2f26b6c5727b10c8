"""The handlers as AWS calls them: recorded events in, on a stack that moto keeps in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest

from functions import wiring
from tests.bridge import bridge
from tests.contract.conftest import _region, bucket, dynamodb, queue_url, s3, sqs, table  # noqa: F401  (fixtures)
from tests.fakes import FakeTranscriber
from tests.functions.working import worker
from tests.web import HERE
from tiro.settings import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

    from tests.functions.sdk import Api

EVENTS = Path(__file__).parents[1] / "events"


class Stack:
    """What is deployed, and the events that AWS makes of what happens to it."""

    def __init__(self, settings: ApiSettings, s3: S3Client) -> None:  # noqa: F811
        self.settings, self.s3 = settings, s3

    def call(
        self,
        method: str,
        path: str,
        *,
        owner: str = "ada",
        body: str | None = None,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Any:
        """Call the API's function as API Gateway does; return its answer, with the body read."""
        from functions.api import handler

        event = json.loads((EVENTS / "rest_api.json").read_text())
        event |= {"httpMethod": method, "path": path, "body": body, "queryStringParameters": query or None}
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()} or None
        for name, value in {**(headers or {}), **({} if accept is None else {"Accept": accept})}.items():
            event["headers"][name], event["multiValueHeaders"][name] = value, [value]
        event["requestContext"]["authorizer"] |= {"owner": owner, "principalId": owner}
        answer = handler(event, None)
        if "json" in answer["multiValueHeaders"].get("Content-Type", [""])[0]:
            answer["body"] = json.loads(answer["body"])
        return answer

    def put(self, key: str, body: bytes, **metadata: str) -> str:
        """Write an object; return the notification that S3 sends to the uploads queue."""
        put = self.s3.put_object(Bucket=self.settings.media_bucket, Key=key, Body=body, Metadata=metadata)
        event = json.loads((EVENTS / "s3_object_created.json").read_text())
        event["Records"][0]["s3"]["bucket"]["name"] = self.settings.media_bucket
        event["Records"][0]["s3"]["object"] |= {"key": quote_plus(key, safe="/"), "versionId": put["VersionId"]}
        return json.dumps(event)


def sqs_event(*bodies: str) -> dict[str, Any]:
    """Return what Lambda is given of these messages."""
    return {
        "Records": [
            {"messageId": str(number), "receiptHandle": "h", "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


@pytest.fixture
def stack(
    monkeypatch: pytest.MonkeyPatch,
    s3: S3Client,  # noqa: F811
    table: str,  # noqa: F811
    bucket: str,  # noqa: F811
    queue_url: str,  # noqa: F811
    sqs: SQSClient,  # noqa: F811
) -> Iterator[Stack]:
    transcripts = f"{bucket}-transcripts"
    s3.create_bucket(Bucket=transcripts, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    settings: dict[str, Any] = {
        "table": table,
        "queue_url": queue_url,
        "media_bucket": bucket,
        "transcript_bucket": transcripts,
        **{
            name: sqs.create_queue(QueueName=f"{table}-{name}")["QueueUrl"]
            for name in ("batch_queue_url", "fetch_queue_url", "delivery_queue_url")
        },
    }
    for name, value in ApiSettings.to_env(**settings).items():
        monkeypatch.setenv(name, value)
    caches = [piece for piece in vars(wiring).values() if hasattr(piece, "cache_clear")]
    for piece in caches:
        piece.cache_clear()
    yield Stack(ApiSettings(**settings), s3)
    for piece in caches:
        piece.cache_clear()


@pytest.fixture
def archive(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the caller's own, of which we were told."""
    name = f"{stack.settings.media_bucket}-archive"
    stack.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    monkeypatch.setenv("TIRO_SOURCE_BUCKETS", name)
    wiring.settings.cache_clear()
    return name


@pytest.fixture
def fetching(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine's own addresses be fetched from."""
    monkeypatch.setenv("TIRO_ALLOW_NETWORKS", HERE)
    wiring.settings.cache_clear()


@pytest.fixture
def api(stack: Stack) -> Iterator[Api]:
    from tests.functions.sdk import Api  # here, since the SDK is long in coming, and most tests need none

    with bridge() as (url, calls):
        api = Api(url, calls, stack)
        with api.client:
            yield api


@pytest.fixture
def transcriber(api: Api) -> Iterator[FakeTranscriber]:
    from tests.functions.sdk import HEARD

    transcriber = FakeTranscriber(HEARD)
    with worker(transcriber, api.stack.settings):
        yield transcriber
