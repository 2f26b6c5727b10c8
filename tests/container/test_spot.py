"""A machine that is taken back is heard of in time; one that says nothing is no trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from container.spot import InstanceMetadata, SpotWatch
from container.stopping import Reason, Stopping
from tiro.errors import Unreachable


class Metadata(BaseHTTPRequestHandler):
    """IMDSv2, as the EC2 user guide describes it."""

    notice: bytes | None = None
    tokens: int = 0

    def do_PUT(self) -> None:
        ours = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        type(self).tokens += 1
        self._answer(200 if ours else 400, f"token-{self.tokens}".encode())

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != f"token-{self.tokens}":
            self._answer(401, b"")
        elif self.path != "/latest/meta-data/spot/instance-action" or self.notice is None:
            self._answer(404, b"")
        else:
            self._answer(200, self.notice)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def metadata() -> Iterator[tuple[InstanceMetadata, type[Metadata]]]:
    handler = type("Handler", (Metadata,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield InstanceMetadata(f"http://127.0.0.1:{server.server_port}"), handler
        server.shutdown()
        thread.join()


def test_a_machine_that_stays_says_nothing(metadata: tuple[InstanceMetadata, type[Metadata]]) -> None:
    ours, there = metadata
    assert ours.action() is None
    assert ours.action() is None
    assert there.tokens == 1


def test_a_notice_names_the_action(metadata: tuple[InstanceMetadata, type[Metadata]]) -> None:
    ours, there = metadata
    there.notice = b'{"action": "terminate", "time": "2026-01-02T03:04:05Z"}'
    assert ours.action() == "terminate"


def test_a_token_that_ran_out_is_replaced(metadata: tuple[InstanceMetadata, type[Metadata]]) -> None:
    ours, there = metadata
    assert ours.action() is None
    there.tokens += 1
    with pytest.raises(Unreachable, match="401"):
        ours.action()
    assert ours.action() is None


def test_what_is_no_answer_is_no_notice(metadata: tuple[InstanceMetadata, type[Metadata]]) -> None:
    ours, there = metadata
    there.notice = b"<html>"
    with pytest.raises(Unreachable):
        ours.action()


def test_a_machine_without_metadata_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        InstanceMetadata("http://127.0.0.1:1").action()


class Scripted:
    """Notices that are told in turn; the last for ever."""

    def __init__(self, *told: str | Unreachable | None) -> None:
        self._told = list(told)
        self.asked = 0

    def action(self) -> str | None:
        self.asked += 1
        told = self._told.pop(0) if len(self._told) > 1 else self._told[0]
        if isinstance(told, Unreachable):
            raise told
        return told


def test_a_notice_asks_the_worker_to_stop() -> None:
    stopping, log = Stopping(), list[str]()
    with SpotWatch(Scripted(None, Unreachable(), None, "terminate"), stopping, log=_into(log), every=0.001):
        assert stopping.wait(10)
    assert (stopping.reason, stopping.status) == (Reason.SPOT, 0)
    assert log == ["spot notice"]


def test_where_nothing_answers_nothing_is_asked_for_long() -> None:
    log, notices, done = list[str](), Scripted(Unreachable()), threading.Event()

    def told(event: str, **_: object) -> None:
        log.append(event)
        done.set()

    with SpotWatch(notices, Stopping(), log=told, every=0.001):
        assert done.wait(10)
    assert (log, notices.asked) == (["no spot notices"], 3)


def _into(log: list[str]) -> Any:
    return lambda event, **_: log.append(event)
