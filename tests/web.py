"""Web servers of this machine, kind and unkind, and a resolver that says where names lead."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

from tiro.address import IP

HERE = "127.0.0.0/8"
"""The networks that a test lets itself reach."""


@dataclass
class Names:
    """A resolver. What a name leads to may change from one question to the next: the last answer stays."""

    known: Mapping[str, list[str]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, _: int) -> list[IP]:
        self.asked.append(host)
        answers = self.known.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        answer = answers[min(self.asked.count(host), len(answers)) - 1]
        return [ip_address(ip) for ip in answer.split()]


Page = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """Paths and what is answered there; `seen` are the requests, with their headers."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@contextmanager
def serving() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            site.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            with contextlib.suppress(OSError):  # whom we annoy hangs up
                site.pages.get(self.path.partition("?")[0], status(404))(self)
            self.close_connection = True

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---------------------------------------------------------------- pages


def body(content: bytes, code: int = 200, **headers: str) -> Page:
    """Answer with this, whole."""

    def page(request: BaseHTTPRequestHandler) -> None:
        _head(request, code, {"Content-Length": str(len(content))} | _named(headers))
        request.wfile.write(content)

    return page


def status(code: int, **headers: str) -> Page:
    return body(b"", code, **headers)


def redirect(location: str, code: int = 302) -> Page:
    return status(code, location=location)


def ranged(content: Callable[[], bytes], *, tag: Callable[[], str], break_after: int | None = None) -> Page:
    """Answer ranges, if they are of the same content still (RFC 9110, section 13.1.5).

    With `break_after`, hang up after so many bytes of each answer.
    """

    def page(request: BaseHTTPRequestHandler) -> None:
        whole, asked = content(), re.match(r"bytes=(\d+)-$", request.headers.get("Range", ""))
        same = request.headers.get("If-Range", tag()) == tag()
        start = int(asked[1]) if asked and same else 0
        part = whole[start:]
        headers = {"ETag": tag(), "Content-Length": str(len(part))}
        if asked and same:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        _head(request, 206 if asked and same else 200, headers)
        request.wfile.write(part[:break_after])

    return page


def lying(content: bytes, claimed: int) -> Page:
    """Promise more, or fewer, bytes than come."""

    def page(request: BaseHTTPRequestHandler) -> None:
        _head(request, 200, {"Content-Length": str(claimed)})
        request.wfile.write(content)

    return page


def chunked(chunk: bytes, times: int | None = None, *, pause: float = 0.0, end: bool = True) -> Page:
    """Send a chunk so often, or for ever; without `end`, hang up before the last."""

    def page(request: BaseHTTPRequestHandler) -> None:
        _head(request, 200, {"Transfer-Encoding": "chunked"})
        sent = 0
        while times is None or sent < times:
            request.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            sent += 1
            time.sleep(pause)
        if end:
            request.wfile.write(b"0\r\n\r\n")

    return page


def raw(*pieces: bytes, pause: float = 0.0, again: bool = False) -> Page:
    """Send these bytes as they are; with `again`, the last of them for ever."""

    def page(request: BaseHTTPRequestHandler) -> None:
        for piece in pieces:
            request.wfile.write(piece)
        while again:
            time.sleep(pause)
            request.wfile.write(pieces[-1])

    return page


def hanging(until: threading.Event) -> Page:
    def page(_: BaseHTTPRequestHandler) -> None:
        until.wait(30)

    return page


def _head(request: BaseHTTPRequestHandler, code: int, headers: Mapping[str, str]) -> None:
    request.send_response(code)
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
