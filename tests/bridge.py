"""API Gateway in front of the API's handler, on 127.0.0.1: real HTTP in, the event of a REST API through, HTTP out."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

EVENT = Path(__file__).parent / "events/rest_api.json"
STAGE = "/prod"


class _Bridge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    calls: list[str]  # method and path of each

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_TRACE(self) -> None:
        self._serve()

    def do_QUERY(self) -> None:
        self._serve()

    def do_OPTIONS(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        from functions.api import handler

        self.calls.append(f"{self.command} {self.path}")
        answer = handler(self._event(), None)
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, values in answer["multiValueHeaders"].items():
            for value in values:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _event(self) -> dict[str, Any]:
        url = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        binary = self.headers.get("Content-Type", "").startswith("multipart/form-data")
        body = (
            b64encode(sent).decode() if binary else sent.decode(errors="replace") or None
        )  # the gateway makes text of it
        headers: dict[str, list[str]] = defaultdict(list)
        for name, value in self.headers.items():
            headers[name].append(value)
        query = parse_qs(url.query, keep_blank_values=True)
        event: dict[str, Any] = json.loads(EVENT.read_text())
        return event | {
            "httpMethod": self.command,
            "path": unquote(url.path).removeprefix(STAGE),
            "headers": {name: values[-1] for name, values in headers.items()},
            "multiValueHeaders": headers,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "body": body,
            "isBase64Encoded": binary,
        }


@contextmanager
def bridge() -> Iterator[tuple[str, list[str]]]:
    """Run it on a free port; give its address, with the stage, and what is called."""
    calls: list[str] = []
    handler = type("Handler", (_Bridge,), {"calls": calls})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{STAGE}", calls
        finally:
            server.shutdown()
            thread.join()
