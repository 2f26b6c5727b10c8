"""Stands between one worker and AWS: passes every call on, until one is to go wrong."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})

THROTTLED = {
    "dynamodb": (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'),
    "sqs": (400, b'{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slower"}'),
    "s3": (503, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"),
}
FAILED = {
    "dynamodb": (500, b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}'),
    "sqs": (500, b'{"__type":"com.amazonaws.sqs#InternalFailure"}'),
    "s3": (500, b"<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"),
}


@dataclass(frozen=True)
class Call:
    """One call as AWS names it."""

    service: str  # dynamodb | s3 | sqs
    operation: str


@dataclass(frozen=True)
class CallFault:
    """What goes wrong with calls of one kind, from the `nth` that is met, `times` in a row."""

    kind: str
    service: str
    operation: str  # "": any of the service
    action: str  # kill | terminate | cut | throttle | fail | slow
    after: bool = False  # AWS has done it, and only the answer is lost
    nth: int = 1
    times: int = 1
    seconds: float = 0.0  # of being slow; or, for `times` 0, of everything going wrong

    def meets(self, call: Call) -> bool:
        return call.service == self.service and self.operation in ("", call.operation)


class Proxy:
    """Listens on a port of its own. At most one fault is armed at a time; `fired` says that it happened."""

    def __init__(self, emulator_port: int, signal_worker: Callable[[str], None]) -> None:
        self._emulator_port, self._signal_worker = emulator_port, signal_worker
        self._lock = threading.Lock()
        self._armed: CallFault | None = None
        self._met = self._done = 0
        self._until = 0.0
        self.fired: CallFault | None = None
        self.closed = False  # nothing is passed on: the emulator is down, or not quite up
        self.calls: Counter[Call] = Counter()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def arm(self, fault: CallFault | None) -> None:
        with self._lock:
            self._armed, self._met, self._done, self.fired, self._until = fault, 0, 0, None, 0.0

    def wrong(self, call: Call) -> CallFault | None:
        """Count a call; return what is to go wrong with it."""
        with self._lock:
            self.calls[call] += 1
            fault = self._armed
            if fault is None or not fault.meets(call):
                return None
            self._met += 1
            if self._met < fault.nth:
                return None
            return fault if self._goes_on(fault) else None

    def _goes_on(self, fault: CallFault) -> bool:
        now = time.monotonic()
        if fault.times == 0:
            self._until = self._until or now + fault.seconds
            goes_on, last = now < self._until, now >= self._until
        else:
            self._done += 1
            goes_on, last = True, self._done >= fault.times
        self.fired = fault
        if last:
            self._armed = None
        return goes_on

    def hit(self, fault: CallFault) -> None:
        """Let the worker have it: nothing of what it asked comes back."""
        self._signal_worker(fault.action)

    def forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Raises OSError or HTTPException when the emulator is not there."""
        connection = http.client.HTTPConnection("127.0.0.1", self._emulator_port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def name_call(method: str, path: str, headers: dict[str, str]) -> Call:
    target = headers.get("x-amz-target", "")
    if target.startswith("DynamoDB"):
        return Call("dynamodb", target.rpartition(".")[2])
    if target.startswith("AmazonSQS"):
        return Call("sqs", target.rpartition(".")[2])
    has_key = path.partition("?")[0].strip("/").count("/") >= 1
    return Call(
        "s3", {"GET": "GetObject" if has_key else "List", "HEAD": "HeadObject", "PUT": "PutObject"}.get(method, method)
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A worker that is killed leaves its connections behind: that is nobody's error."""


class Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call, proxy = name_call(self.command, self.path, headers), self.server.proxy
        receives = call.operation == "ReceiveMessage"  # one that brings nothing is no step of the way
        fault = None if receives else proxy.wrong(call)
        if proxy.closed or (fault and not self._reaches_aws(fault)):
            self.close_connection = True
            return
        try:
            status, given, content = proxy.forward(self.command, self.path, headers, body)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        if receives and b"ReceiptHandle" in content:
            fault = proxy.wrong(call)
        if fault and (fault.after or (receives and fault.action != "slow")):
            self._break(fault)
        else:
            self._answer(status, given, content)

    def _reaches_aws(self, fault: CallFault) -> bool:
        """Whether AWS hears of the call at all."""
        if fault.action == "slow":
            time.sleep(fault.seconds)
            return True
        if fault.after:
            return True
        self._break(fault)
        return False

    def _break(self, fault: CallFault) -> None:
        match fault.action:
            case "kill" | "terminate":
                self.server.proxy.hit(fault)
                self.close_connection = True
            case "throttle":
                status, content = THROTTLED[fault.service]
                self._answer(status, [("Content-Type", "application/x-amz-json-1.0")], content)
            case "fail":
                status, content = FAILED[fault.service]
                self._answer(status, [("Content-Type", "application/x-amz-json-1.0")], content)
            case _:
                self.close_connection = True

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        try:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            head = self.command == "HEAD" and length
            self.send_header("Content-Length", length if head and length else str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the worker is gone

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Say nothing."""
