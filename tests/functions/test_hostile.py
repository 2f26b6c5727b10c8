"""What a caller who means harm may send, and what each gets. docs/api/security.md tells it to people."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.functions.conftest import EVENTS, Stack
from tests.tiro.adapters.test_openid import BAD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api" / "security.md"

JOBS, BOBS = "/v1/transcriptions", "{bob}"
EVIL = "a\r\nSet-Cookie: owner=bob\r\n\r\n<script>"
UNICODE = "\u202e\u200b\ufeff日本𝔘e\u0301\u0000\x1b[31m💥"


def upload(**fields: Any) -> str:
    return json.dumps({"source": {"upload": fields}})


def s3(key: str, bucket: str = "{bucket}") -> str:
    return json.dumps({"source": {"s3": f"s3://{bucket}/{key}"}})


@dataclass(frozen=True)
class Call:
    """`{bob}` stands for a job of another owner, `{bucket}` for the media bucket."""

    status: int
    code: str = ""
    method: str = "POST"
    path: str = JOBS
    body: str | bytes | None = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def get(path: str, status: int, code: str, **more: Any) -> Call:
    return Call(status, code, method="GET", path=path, **more)


HOSTILE: dict[str, Call] = {
    # headers
    "a file's name with a header in it": Call(202, body=upload(filename=EVIL)),
    "a media type with a header in it": Call(422, "invalid_request", body=upload(content_type="audio/mpeg\r\nX: y")),
    "a format with a header in it": get(
        "/v1/transcriptions/{bob}/transcript", 406, "format_not_acceptable", query={"format": EVIL}
    ),
    "an origin with a header in it": get("/v1/models", 200, "", headers={"Origin": f"https://{EVIL}"}),
    "a header that names another owner": get(
        "/v1/transcriptions/{bob}", 404, "job_not_found", headers={"X-Owner": "bob", "X-Amzn-Owner": "bob"}
    ),
    "a key to repeat by with a header in it": Call(
        422, "invalid_request", body=upload(), headers={"Idempotency-Key": EVIL}
    ),
    "a key to repeat by of 8,000 letters": Call(
        422, "invalid_request", body=upload(), headers={"Idempotency-Key": "x" * 8000}
    ),
    "a preference that never ends": get(
        "/v1/transcriptions/{bob}", 404, "job_not_found", headers={"Prefer": f"wait={'9' * 4000}"}
    ),
    # paths
    "an id of dots": get("/v1/transcriptions/..", 404, "job_not_found"),
    "an id of dots, encoded": get("/v1/transcriptions/%2e%2e%2f%2e%2e", 404, "job_not_found"),
    "a path out of the API": get("/v1/transcriptions/../../etc/passwd", 404, "route_not_found"),
    "an id with a NUL": get("/v1/transcriptions/x\x00", 404, ""),
    "an id that is a key of the table": get("/v1/transcriptions/key#0123", 404, ""),
    "an id of 3,000 letters": get(f"/v1/transcriptions/{'x' * 3000}", 404, "job_not_found"),
    "an id that is a condition": get("/v1/transcriptions/' OR '1'='1", 404, ""),
    "a key that climbs out of its prefix": Call(404, "media_not_found", body=s3("uploads/ada/../bob/talk.mp3")),
    "a key of a neighbour by name": Call(403, "source_forbidden", body=s3("uploads/adam/talk.mp3")),
    "a key of the bucket itself": Call(403, "source_forbidden", body=s3("talk.mp3")),
    "another bucket": Call(403, "source_forbidden", body=s3("ada/talk.mp3", "elsewhere")),
    "a bucket that is none": Call(422, "invalid_request", body=s3("x", "../etc")),
    "a method that the path does not take": Call(405, "method_not_allowed", method="PATCH"),
    # bodies
    "no JSON": Call(400, "malformed_body", body="{"),
    "an empty body": Call(400, "malformed_body", body=""),
    "bytes that are no text": Call(400, "malformed_body", body=b"\xff\xfe{}"),
    "5 MB of spaces": Call(400, "malformed_body", body=" " * 5_000_000),
    "5 MB of a name": Call(422, "invalid_request", body=upload(filename="x" * 5_000_000)),
    "100,000 brackets": Call(400, "malformed_body", body='{"source":' + "[" * 100_000),
    "5,000 levels, closed": Call(400, "malformed_body", body='{"source":' + "[" * 5000 + "]" * 5000 + "}"),
    "100,000 fields": Call(422, "invalid_request", body=json.dumps({str(n): n for n in range(100_000)})),
    "a field's name of 5 MB": Call(422, "invalid_request", body=json.dumps({"x" * 5_000_000: 1})),
    "a language of 5 MB": Call(422, "invalid_request", body=json.dumps({"source": {}, "language": "x" * 5_000_000})),
    "a number of 5,000 digits": Call(
        400, "malformed_body", body='{"source": {"upload": {"size": ' + "9" * 5000 + "}}}"
    ),
    "1e999": Call(422, "invalid_request", body='{"source": {"upload": {"size": 1e999}}}'),
    "NaN": Call(422, "invalid_request", body='{"source": {"upload": {"size": NaN}}}'),
    "less than nothing": Call(422, "invalid_request", body=upload(size=-1)),
    "more than there may be": Call(413, "media_too_large", body=upload(size=2**62)),
    "a list": Call(422, "invalid_request", body="[]"),
    "a string": Call(422, "invalid_request", body='"source"'),
    "null": Call(422, "invalid_request", body="null"),
    "a field too many": Call(422, "invalid_request", body='{"source": {"upload": {}}, "owner": "bob"}'),
    "__proto__": Call(422, "invalid_request", body='{"source": {"upload": {}}, "__proto__": {"owner": "bob"}}'),
    "the same field twice": Call(
        422, "invalid_request", body='{"source": {"upload": {}}, "source": {"s3": "s3://elsewhere/x"}}'
    ),
    "the same name twice, deep down": Call(
        422, "invalid_request", body='{"source": {"upload": {"size": 1, "size": 9}}}'
    ),
    "true for a number": Call(422, "invalid_request", body=upload(size=True)),
    "a number as text": Call(422, "invalid_request", body=upload(size="5")),
    "infinity": Call(422, "invalid_request", body='{"source": {"upload": {}}, "start": Infinity}'),
    "HTML for a recording's type": Call(422, "invalid_request", body=upload(content_type="text/html")),
    "a form": Call(
        415,
        "unsupported_media_type",
        body="source=x&owner=bob",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "options in the query": Call(422, "invalid_request", body=upload(), query={"language": "en"}),
    "two sources": Call(422, "invalid_request", body='{"source": {"upload": {}, "s3": "s3://elsewhere/x"}}'),
    # Unicode in every field
    "Unicode for a file's name": Call(202, body=upload(filename=UNICODE)),
    "Unicode for a media type": Call(422, "invalid_request", body=upload(content_type=UNICODE)),
    "Unicode for a language": Call(
        422, "invalid_request", body=json.dumps({"source": {"upload": {}}, "language": UNICODE})
    ),
    "Unicode for a key": Call(404, "media_not_found", body=s3(f"inbox/ada/{UNICODE}")),
    "Unicode for a bucket": Call(422, "invalid_request", body=s3("x", UNICODE)),
    "Unicode for a field": Call(422, "invalid_request", body=json.dumps({"source": {"upload": {}}, UNICODE: 1})),
    "Unicode for an id": get(f"/v1/transcriptions/{UNICODE}", 404, ""),
    "Unicode for a format": get(
        "/v1/transcriptions/{bob}/transcript", 406, "format_not_acceptable", query={"format": UNICODE}
    ),
    "half of a surrogate pair": Call(400, "malformed_body", body='{"source": {"upload": {"filename": "\\ud800"}}}'),
    "a byte order mark": Call(400, "malformed_body", body="\ufeff{}"),
    # what is another owner's
    "another owner's job": get("/v1/transcriptions/{bob}", 404, "job_not_found"),
    "another owner's transcript": get("/v1/transcriptions/{bob}/transcript", 404, "job_not_found"),
    "another owner's upload": Call(404, "job_not_found", path="/v1/transcriptions/{bob}/upload/complete", body="{}"),
    "another owner's recording": Call(403, "source_forbidden", body=s3("uploads/bob/talk.mp3")),
    "another owner's inbox": Call(403, "source_forbidden", body=s3("inbox/bob/talk.mp3")),
    "another owner's cursor": get(JOBS, 422, "invalid_request", query={"cursor": "{cursor}"}),
    "a cursor that is none": get(JOBS, 422, "invalid_request", query={"cursor": EVIL}),
    "a cursor of 8,000 letters": get(JOBS, 422, "invalid_request", query={"cursor": "x" * 8000}),
    "another owner's batch": get("/v1/batches/{batch}", 404, "batch_not_found"),
}


@pytest.fixture
def of_bob(stack: Stack) -> dict[str, str]:
    job = stack.call("POST", JOBS, owner="bob", body=upload())["body"]["id"]
    sources = json.dumps({"sources": [{"upload": {}}]})
    batch = stack.call("POST", "/v1/batches", owner="bob", body=sources)["body"]["id"]
    stack.call("POST", JOBS, owner="bob", body=upload())
    cursor = stack.call("GET", JOBS, owner="bob", limit="1")["body"]["next_cursor"]
    return {"{cursor}": cursor, "{bob}": job, "{batch}": batch, "{bucket}": stack.settings.media_bucket}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_gets_what_the_page_says(stack: Stack, of_bob: dict[str, str], name: str) -> None:
    call = HOSTILE[name]
    answer = send(call, of_bob)
    told = json.loads(answer["body"])
    assert (answer["statusCode"], told.get("code", "")) == (call.status, call.code or told.get("code", ""))
    if call.status >= 400:
        assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
        assert told["detail"]
    values = [value for many in answer["multiValueHeaders"].values() for value in many]
    assert not [value for value in values if not value.isascii() or not value.isprintable()]
    assert len(answer["body"]) < 100_000  # what was sent does not come back whole


def send(call: Call, known: dict[str, str]) -> Any:
    from functions.api import handler

    def fill(text: str) -> str:
        for name, value in known.items():
            text = text.replace(name, value)
        return text

    event = json.loads((EVENTS / "rest_api.json").read_text())
    event |= {"httpMethod": call.method, "path": fill(call.path), "headers": event["headers"] | call.headers}
    query = {name: fill(value) for name, value in call.query.items()}
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()} or None
    if isinstance(call.body, bytes):
        event |= {"body": b64encode(call.body).decode(), "isBase64Encoded": True}
    elif call.body is not None:
        event["body"] = fill(call.body)
    return handler(event, None)


def test_the_page_tells_every_one_of_them() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, call in HOSTILE.items():
        assert f"| {name} | {call.status}" in page
    for name in BAD:
        assert f"| {name} | 401" in page
