"""Calls to addresses that others name, for fetched recordings and webhooks: the one way out.

The name is resolved once, every address is judged (tiro/address.py), and the connection is made to that very address;
the certificate must still be the name's. What is asked for is never decoded, and nothing is waited for without end.
"""

from __future__ import annotations

import io
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

from tiro.address import IP, Address, Reach
from tiro.errors import AddressRefused, PeerUnavailable, TiroError

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
class Egress:
    """Raises AddressRefused for where Tiro must not go, PeerUnavailable for who does not answer as HTTP has it."""

    reach: Reach
    terms: Terms = field(default_factory=Terms)
    resolve: Resolve = resolve_by_system
    trust: Callable[[], ssl.SSLContext] = _system_trust
    now: Callable[[], float] = time.monotonic

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Follow at most `terms.redirects`, each judged anew. A redirect too many is AddressRefused."""
        address, deadline = Address.parse(url), self.now() + self.terms.seconds
        for _ in range(self.terms.redirects + 1):
            with self._exchange("GET", address, headers or {}, b"", deadline) as answer:
                location = answer.headers.get("Location")
                if answer.status not in REDIRECTS or not location or not self.terms.redirects:
                    yield answer
                    return
            address = address.redirected(_as_sent(location))
        raise AddressRefused(f"The server redirects more than {self.terms.redirects} times.")

    @contextmanager
    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Iterator[Answer]:
        """Send a body. No redirect is followed: it is an answer like any other."""
        with self._exchange("POST", Address.parse(url), headers, body, self.now() + self.terms.seconds) as answer:
            yield answer

    @contextmanager
    def _exchange(
        self, method: str, address: Address, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Iterator[Answer]:
        with ExitStack() as stack:
            with _peer_errors(address):
                wire = _Wire(stack.enter_context(self._connect(address, deadline)), self.terms, deadline, self.now)
                response = HTTPResponse(cast(socket.socket, wire), method=method)
                stack.callback(response.close)
                self._send(wire.socket, method, address, headers, body)
                response.begin()
                wire.head_is_read()
            yield Answer(address, response)

    def _send(
        self, connected: socket.socket, method: str, address: Address, headers: Mapping[str, str], body: bytes
    ) -> None:
        connection = HTTPConnection(address.host, address.port)
        connection.sock = connected  # to what was judged
        connection.putrequest(method, address.path, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": address.authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        sent |= {"Connection": "close", **headers} | ({"Content-Length": str(len(body))} if method == "POST" else {})
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)

    def _connect(self, address: Address, deadline: float) -> socket.socket:
        """Connect to the first address that takes the call. Raises OSError."""
        failed = OSError("there is no address")
        for ip in self._judged(address):
            try:
                connected = socket.create_connection((str(ip), address.port), timeout=self._patience(deadline))
            except OSError as error:
                failed = error
                continue
            if address.scheme == "http":
                return connected
            with connected:  # closed, should TLS fail; else the wrapped one has taken it over
                return self.trust().wrap_socket(connected, server_hostname=address.host)
        raise failed

    def _judged(self, address: Address) -> Sequence[IP]:
        self.reach.check(address)
        found = [address.ip] if address.ip else self.resolve(address.host, address.port)
        self.reach.check(address, found)
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

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises PeerUnavailable when it broke off."""
        with _peer_errors(self.address):
            body = self._response.read(size)
        if len(body) < size and self._response.length:
            raise PeerUnavailable(f"{self.address.host} broke off with {self._response.length:,} bytes still to come.")
        return body


class _Abused(Exception):
    """The server takes more time or room than was agreed."""


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
            raise _Abused("sends headers without end")
        if self._waited > GRACE_SECONDS and self._came < self._waited * self._terms.bytes_per_second:
            raise _Abused(f"sends less than {self._terms.bytes_per_second:,.0f} bytes a second")
        return count

    def _too_late(self) -> _Abused:
        return _Abused(f"was not done within {self._terms.seconds:g} s")


@contextmanager
def _peer_errors(address: Address) -> Iterator[None]:
    """Let no error of sockets, TLS or http.client out."""
    try:
        yield
    except TiroError:
        raise
    except _Abused as error:
        raise PeerUnavailable(f"{address.host} {error}.") from None
    except TimeoutError:
        raise PeerUnavailable(f"{address.host} did not answer in time.") from None
    except socket.gaierror:
        raise PeerUnavailable(f"There is no address for the name {address.host}.") from None
    except ssl.SSLCertVerificationError as error:
        raise PeerUnavailable(
            f"{address.host} has no certificate that can be trusted: {error.verify_message}."
        ) from None
    except (OSError, HTTPException, ValueError) as error:
        raise PeerUnavailable(f"{address.host} could not be talked to ({type(error).__name__}).") from error


def _as_sent(location: str) -> str:
    """http.client reads headers as Latin-1; servers send UTF-8."""
    return location.encode("latin-1").decode("utf-8", errors="replace")
