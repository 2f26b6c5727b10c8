"""What goes wrong between Tiro and another server, in Tiro's words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import BadStatusLine, HTTPException, RemoteDisconnected, UnknownProtocol

from tiro.adapters.body import BrokenOff, Malformed
from tiro.address import Address
from tiro.errors import PeerUnavailable, TiroError

NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""What a resolver says of a name that does not exist, in distinction to one that it cannot look up now."""


class Abused(Exception):
    """The server takes more time than was agreed. The message continues a sentence that begins with its name."""


@contextmanager
def peer_errors(address: Address) -> Iterator[None]:
    """Let no error of sockets, TLS or http.client out. Raises PeerUnavailable."""
    try:
        yield
    except TiroError:
        raise
    except (Malformed, BrokenOff, Abused, HTTPException, OSError, ValueError) as error:
        raise _in_words(error, address) from error


def _in_words(error: Exception, address: Address) -> PeerUnavailable:
    host = address.host
    match error:
        case Malformed():
            return PeerUnavailable(f"{host} {error}. That is not HTTP.", malformed=True)
        case BrokenOff():
            rest = f" with {error.missing:,} bytes still to come" if error.missing else ""
            return PeerUnavailable(f"{host} broke off{rest}.")
        case Abused():
            return PeerUnavailable(f"{host} {error}.")
        case RemoteDisconnected():
            return PeerUnavailable(f"{host} closed the connection without an answer.")
        case BadStatusLine() | UnknownProtocol():
            return PeerUnavailable(f"{host} does not speak HTTP on port {address.port}.", malformed=True)
        case HTTPException():  # what is left of them: a header line too long, or too many headers
            return PeerUnavailable(f"{host} sends headers that are too long, or too many.", malformed=True)
    return _of_the_connection(error, host)


def _of_the_connection(error: Exception, host: str) -> PeerUnavailable:
    match error:
        case TimeoutError():
            return PeerUnavailable(f"{host} did not answer in time.")
        case socket.gaierror():
            lasting = error.errno in NO_SUCH_NAME
            return PeerUnavailable(f"There is no address for the name {host}.", lasting=lasting)
        case ssl.SSLCertVerificationError():
            said = f"{host} has no certificate that can be trusted: {error.verify_message}."
            return PeerUnavailable(said, lasting=True)
        case ConnectionRefusedError():
            return PeerUnavailable(f"{host} refuses the connection.")
        case ConnectionError() | ssl.SSLEOFError():
            return PeerUnavailable(f"{host} broke the connection off.")
        case ssl.SSLError():
            return PeerUnavailable(f"{host} and Tiro could not agree on a TLS connection.", lasting=True)
    return PeerUnavailable(f"{host} could not be reached.")
