"""Calls to addresses that others name, for fetched recordings and webhooks: the one way out.

The name is resolved once, every address is judged (tiro/address.py), and the connection is made to that very address;
the certificate must still be the name's. What is asked for is never decoded, and nothing is waited for without end.
"""

from __future__ import annotations

import io
import math
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from http.client import HTTPConnection, HTTPMessage, HTTPResponse
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from tiro.adapters.body import Body, Malformed
from tiro.adapters.peer_errors import Abused, peer_errors
from tiro.address import IP, Address, Reach
from tiro.errors import AddressRefused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Resolve = Callable[[str, int], Sequence[IP]]
"""Which addresses a name and a port stand for. Raises OSError."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "tiro"
MAX_HEAD_BYTES = 64 * 1024
GRACE_SECONDS = 10.0
"""So long a server may be slow, before how slow it is counts."""


def resolve_by_system(host: str, port: int) -> Sequence[IP]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


@cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How patient a call is. Seconds."""

    redirects: int = 0  # followed; of a GET only
    connect_seconds: float = 5.0
    idle_seconds: float = 10.0  # between two bytes
    seconds: float = 30.0  # in all, redirects included
    bytes_per_second: float = 0.0  # the least, after GRACE_SECONDS; only waiting counts, not what is done in between


@dataclass(frozen=True)
class _Request:
    method: str
    address: Address
    headers: Mapping[str, str]
    deadline: float
    body: bytes = b""
    via: str | None = None  # the host that redirects there


@dataclass(frozen=True)
class Egress:
    """Raises AddressRefused for what Tiro must not reach, PeerUnavailable for a server that does not answer."""

    reach: Reach
    terms: Terms = field(default_factory=Terms)
    resolve: Resolve = resolve_by_system
    trust: Callable[[], ssl.SSLContext] = _system_trust
    now: Callable[[], float] = time.monotonic

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Follow at most `terms.redirects`, each judged as the first URL is.

        Raises AddressRefused for one redirect more, and for a second one to the same URL: without cookies the same
        request has the same answer.
        """
        request = _Request("GET", Address.parse(url), headers or {}, self.now() + self.terms.seconds)
        seen = {request.address}
        for _ in range(self.terms.redirects + 1):
            with self._exchange(request) as answer:
                location = answer.location if self.terms.redirects else None
                if location is None:
                    yield answer
                    return
            request = replace(request, address=request.address.redirected(location), via=request.address.host)
            if request.address in seen:
                raise AddressRefused(
                    f"{request.via} redirects in a circle: the same URL comes a second time. It may want a cookie or "
                    "a login, and Tiro sends neither."
                )
            seen.add(request.address)
        raise AddressRefused(f"The server redirects more than {self.terms.redirects} times.")

    @contextmanager
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Iterator[Answer]:
        """Send a body. No redirect is followed: it is an answer like any other."""
        with self._exchange(
            _Request("POST", Address.parse(url), headers, self.now() + self.terms.seconds, body)
        ) as answer:
            yield answer

    @contextmanager
    def _exchange(self, request: _Request) -> Iterator[Answer]:
        with ExitStack() as stack:
            with peer_errors(request.address):
                connected = stack.enter_context(self._connect(request))
                wire = _Wire(connected, self.terms, request.deadline, self.now)
                response = HTTPResponse(cast(socket.socket, wire), method=request.method)
                stack.callback(response.close)
                self._send(wire.socket, request)
                response.begin()
                wire.head_is_read()
            yield Answer(request.address, response)

    def _send(self, connected: socket.socket, request: _Request) -> None:
        address, body = request.address, request.body
        connection = HTTPConnection(address.host, address.port)
        connection.sock = connected  # to what was judged
        connection.putrequest(request.method, address.path, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": address.authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        sent |= {"Connection": "close", **request.headers}
        sent |= {"Content-Length": str(len(body))} if request.method == "POST" else {}
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)

    def _connect(self, request: _Request) -> socket.socket:
        """Connect to the first address that takes the call. Raises OSError."""
        address, failed = request.address, OSError("there is no address")
        for ip in self._judged(request):
            try:
                connected = socket.create_connection((str(ip), address.port), timeout=self._patience(request.deadline))
            except OSError as error:
                failed = error
                continue
            if address.scheme == "http":
                return connected
            with connected:  # closed, should TLS fail; else the wrapped one has taken it over
                return self.trust().wrap_socket(connected, server_hostname=address.host)
        raise failed

    def _judged(self, request: _Request) -> Sequence[IP]:
        address = request.address
        try:
            self.reach.check(address)
            found = [address.ip] if address.ip else self.resolve(address.host, address.port)
            self.reach.check(address, found)
        except AddressRefused as error:
            if request.via is None:
                raise
            raise AddressRefused(f"{request.via} redirects to {address.host}. {error}") from None
        return found

    def _patience(self, deadline: float) -> float:
        return max(0.001, min(self.terms.connect_seconds, deadline - self.now()))


class Answer:
    """What came back, its body still on the way. `headers` are as they were sent."""

    def __init__(self, address: Address, response: HTTPResponse) -> None:
        self.address = address  # after all redirects
        self.status: int = response.status
        self.reason: str = "".join(c for c in response.reason if c.isprintable())[:80]
        self.headers: HTTPMessage = response.headers
        self._response = response

    @property
    def location(self) -> str | None:
        """Where a redirect leads; None where this is no redirect, or leads nowhere."""
        # White space around a value is no part of it (RFC 9110, section 5.5), and a line break before white space is
        # white space (RFC 9112, section 5.2).
        location = re.sub(r"\r?\n[ \t]+", " ", self.headers.get("Location", "")).strip(" \t\r\n")
        return _as_sent(location) if location and self.status in REDIRECTS else None

    @cached_property
    def _body(self) -> Body:
        return Body(self._response)

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the server says so. Raises PeerUnavailable where it says the impossible."""
        with peer_errors(self.address):
            return self._body.length

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises PeerUnavailable when the connection breaks."""
        with peer_errors(self.address):
            return self._body.read(size)


class _Wire(io.RawIOBase):
    """A socket that http.client may read from, never for longer than was agreed."""

    def __init__(self, connected: socket.socket, terms: Terms, deadline: float, now: Callable[[], float]) -> None:
        super().__init__()
        self.socket = connected
        self._terms, self._deadline, self._now = terms, deadline, now
        self._waited, self._came = 0.0, 0
        self._most: float = MAX_HEAD_BYTES

    def head_is_read(self) -> None:
        """From here on whoever reads decides how much is too much."""
        self._most = math.inf

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        began = self._now()
        if began >= self._deadline:
            raise self._too_late()
        self.socket.settimeout(min(self._terms.idle_seconds, self._deadline - began))
        try:
            count = self.socket.recv_into(buffer)
        except TimeoutError:
            if self._now() < self._deadline:
                raise
            raise self._too_late() from None
        self._waited += self._now() - began
        self._came += count
        if self._came > self._most:
            raise Malformed("sends headers without end")
        if self._waited > GRACE_SECONDS and self._came < self._waited * self._terms.bytes_per_second:
            raise Abused(f"sends less than {self._terms.bytes_per_second:,.0f} bytes a second")
        return count

    def _too_late(self) -> Abused:
        return Abused(f"was not done within {self._terms.seconds:g} s")


def _as_sent(location: str) -> str:
    """Return a header that http.client has read as Latin-1: decoded from UTF-8, else its bytes percent-encoded."""
    sent = location.encode("latin-1")
    try:
        return sent.decode()
    except UnicodeDecodeError:
        return re.sub(r"[\x80-\xff]", lambda found: f"%{ord(found[0]):02X}", location)
