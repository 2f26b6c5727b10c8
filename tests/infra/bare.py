"""Run by test_asset in a bare virtual environment: calls each handler of the asset and prints what came back.

AWS is a server in this process that has nothing of anything, so that boto3 needs its trimmed data for real.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


CALLER = {"owner": "ada", "scopes": "read transcribe webhooks", "key_id": "key_1"}

COUNTS = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]


class Nothing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"Items": [], "MessageId": "1", "Attributes": dict.fromkeys(COUNTS, "0")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the answer is what is printed."""


@contextmanager
def empty_aws() -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
    yield
    server.shutdown()


def call(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    event = {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "1", "authorizer": CALLER, "stage": "prod"},
        "body": body,
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = handler("api")(event, None)
    return answer


def handler(module: str) -> Any:
    return import_module(f"functions.{module}").handler


def batch(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": str(i), "body": body} for i, body in enumerate(bodies)]}


def refused() -> str:
    try:
        handler("authorize")({"headers": {"Authorization": f"Bearer tiro_{'a' * 43}"}, "methodArn": "a/b/c"}, None)
    except Exception as error:  # noqa: BLE001 (it is what API Gateway would see)
        return str(error)
    return "let in"


def main() -> None:
    from tiro.adapters import aws

    routes = {
        "POST /v1/transcriptions": call("POST", "/v1/transcriptions"),
        "GET /v1/transcriptions/{id}": call("GET", "/v1/transcriptions/x"),
        "GET /v1/transcriptions/{id}/transcript": call("GET", "/v1/transcriptions/x/transcript"),
        "GET /v1/transcriptions/{id}/upload": call("GET", "/v1/transcriptions/x/upload"),
        "POST /v1/transcriptions/{id}/upload/parts": call("POST", "/v1/transcriptions/x/upload/parts"),
        "POST /v1/transcriptions/{id}/upload/complete": call("POST", "/v1/transcriptions/x/upload/complete"),
        "POST /v1/batches": call("POST", "/v1/batches", "{"),
        "GET /v1/batches/{id}": call("GET", "/v1/batches/x"),
        "GET /v1/else": call("GET", "/v1/else"),
    }
    answers = {
        "authorize": refused(),
        "openid": list(import_module("tiro.adapters.openid").ALGORITHMS),
        "open": [call("GET", path)["statusCode"] for path in ("/docs", "/openapi.json", "/problems/not_audio")],
        "submit": call("POST", "/v1/transcriptions", '{"source": {"upload": {}}}')["statusCode"],
        "routes": {route: json.loads(answer["body"]).get("code") for route, answer in routes.items()},
        "on_upload": handler("on_upload")(batch('{"Event": "s3:TestEvent"}'), None),
        "on_fetch": handler("on_fetch")(batch('{"job_id": "x", "round": 1}'), None),
        "on_dead_letter": handler("on_dead_letter")(batch("nobody wrote this"), None),
        "on_schedule": sum(handler("on_schedule")({}, None).values()),
        "on_job_change": handler("on_job_change")({"Records": []}, None),
        "on_delivery": handler("on_delivery")(batch('{"job_id": "x", "delivery_id": "y", "revision": 1}'), None),
        "workers": [callable(handler(module)) for module in ("dispatch", "on_deploy")],
        "event": bool(aws.events_client().put_events(Entries=[{"Source": "tiro"}])),
        "send": aws.sqs_client().send_message(QueueUrl=os.environ["AWS_ENDPOINT_URL"], MessageBody="x")["MessageId"],
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    with empty_aws():
        main()
