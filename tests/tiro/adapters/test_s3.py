"""What moto cannot do to us: networks that fail, answers that break off, servers that know no ranges."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tests.factories import make_media, make_transcript
from tiro.adapters.s3 import S3MediaStore, S3TranscriptStore
from tiro.errors import MediaNotFound, ServiceUnavailable
from tiro.request import S3Object

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MEDIA = make_media(size=10)
WHERE = S3Object(bucket=MEDIA.bucket, key=MEDIA.key)

Call = Callable[["S3Client"], Any]
CALLS: dict[str, tuple[str, Call]] = {
    "head": ("head_object", lambda c: S3MediaStore(c, "media").head(WHERE)),
    "read": ("get_object", lambda c: S3MediaStore(c, "media").read(MEDIA, 0, 5)),
    "put": ("put_object", lambda c: S3TranscriptStore(c, "transcripts").put("a", make_transcript())),
    "get": ("get_object", lambda c: S3TranscriptStore(c, "transcripts").get("a")),
    "publish": (
        "head_object",
        lambda c: S3TranscriptStore(c, "transcripts").publish("a", b"", "text/plain", current=lambda: True),
    ),
    "withdraw": ("delete_object", lambda c: S3TranscriptStore(c, "transcripts").withdraw("a")),
}


def body(data: bytes, promised: int | None = None) -> StreamingBody:
    return StreamingBody(io.BytesIO(data), promised or len(data))


@pytest.mark.parametrize("call", CALLS)
def test_a_network_that_fails_is_worth_another_try(s3: S3Client, call: str) -> None:
    with pytest.raises(ServiceUnavailable):
        CALLS[call][1](s3)


@pytest.mark.parametrize("code", ["SlowDown", "InternalError", "ExpiredToken"])
@pytest.mark.parametrize("call", CALLS)
def test_a_bucket_that_does_not_answer_is_worth_another_try(s3: S3Client, call: str, code: str) -> None:
    operation, do = CALLS[call]
    with Stubber(s3) as stub:
        stub.add_client_error(operation, code)
        with pytest.raises(ServiceUnavailable, match=code):
            do(s3)


@pytest.mark.parametrize(("call", "code"), [("head", "403"), ("read", "AccessDenied"), ("read", "InvalidObjectState")])
def test_who_may_not_read_finds_nothing(s3: S3Client, call: str, code: str) -> None:
    operation, do = CALLS[call]
    with Stubber(s3) as stub:
        stub.add_client_error(operation, code)
        with pytest.raises(MediaNotFound):
            do(s3)


def test_who_may_not_write_is_not_told_that_the_recording_is_gone(s3: S3Client) -> None:
    with Stubber(s3) as stub:
        stub.add_client_error("put_object", "AccessDenied")
        with pytest.raises(ServiceUnavailable):
            CALLS["put"][1](s3)


def test_who_may_not_read_tags_does_without(s3: S3Client) -> None:
    with Stubber(s3) as stub:
        stub.add_response("head_object", {"ETag": '"0"', "ContentLength": 5, "Metadata": {"Language": "de"}})
        stub.add_client_error("get_object_tagging", "AccessDenied")
        assert S3MediaStore(s3, "media").head(WHERE).metadata == {"language": "de"}


def test_an_answer_that_breaks_off_is_asked_for_again(s3: S3Client) -> None:
    with Stubber(s3) as stub:
        for data in (b"01", b"0123", b"01234"):
            stub.add_response("get_object", {"Body": body(data, promised=5), "ContentRange": "bytes 0-4/10"})
        assert S3MediaStore(s3, "media").read(MEDIA, 0, 5) == b"01234"


def test_an_answer_that_always_breaks_off_is_worth_another_try_later(s3: S3Client) -> None:
    with Stubber(s3) as stub:
        for _ in range(3):
            stub.add_response("get_object", {"Body": body(b"01", promised=5), "ContentRange": "bytes 0-4/10"})
        with pytest.raises(ServiceUnavailable):
            S3MediaStore(s3, "media").read(MEDIA, 0, 5)


@pytest.mark.parametrize(("start", "end"), [(0, 3), (3, 7), (8, 99)])
def test_a_server_that_knows_no_ranges_is_borne_with(s3: S3Client, start: int, end: int) -> None:
    with Stubber(s3) as stub:
        stub.add_response("get_object", {"Body": body(b"0123456789")})
        assert S3MediaStore(s3, "media").read(MEDIA, start, end) == b"0123456789"[start:end]


def test_a_key_that_everybody_writes_is_given_up_for_now(s3: S3Client) -> None:
    asked: list[str] = []

    def current() -> bool:
        asked.append("is it?")
        return True

    with Stubber(s3) as stub:
        for _ in range(10):
            stub.add_response("head_object", {"ETag": '"0"'})
            stub.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
        with pytest.raises(ServiceUnavailable):
            S3TranscriptStore(s3, "transcripts").publish("a", b"", "text/plain", current=current)
    assert len(asked) == 10  # before every write, not once for all
