"""Where Tiro lets others send it: how a URL may be written, and which addresses of the network may be reached.

Whoever may name a URL may try to make Tiro knock at doors that only Tiro can see: its cloud's metadata, a neighbour's
database, a printer. So a URL is read strictly, in the one way in which there are no two readings of it, and an
address must be a public one. Names are resolved elsewhere (tiro/adapters/egress.py), and what comes out is judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

from tiro.errors import AddressRefused

IP = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL = 4096
"""Characters. A URL that S3 has signed, session token and all, has about 1,500."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A host's name (RFC 1123, and the underscores that people use). Other scripts come as xn--…: two letters that look
alike must not be two readings of one name."""

_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
"""A last label like this makes resolvers read the whole as an IPv4 address: 2130706433, 0x7f.1, 127.1 (WHATWG URL,
"ends in a number checker")."""

_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    2001::/23 2001:db8::/32 2002::/16 3fff::/20
    """.split()
)
"""Of IPv4, and of what IPv6 there is in 2000::/3: the IANA special-purpose registries (RFC 6890 and after), multicast
and the reserved rest. 2001::/32 is Teredo and 2002::/16 is 6to4: both carry an IPv4 address, which nobody needs."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out of IPv6. Outside it are ::1, IPv4-mapped and -compatible forms, fc00::/7 with the
metadata's fd00:ec2::254, fe80::/10 and ff00::/8."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address as an IPv6-only network sees it (RFC 6052); judged by what is in it."""


@dataclass(frozen=True)
class Address:
    """A URL that was read strictly. `host` is a name in lower case, or an IP address without brackets."""

    scheme: str
    host: str
    port: int
    path: str  # and query, as they are sent

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises AddressRefused, saying why, for all that could be read in two ways."""
        if len(url) > MAX_URL:
            raise AddressRefused(f"The URL has {len(url):,} characters, and {MAX_URL:,} are the most.")
        if re.search(r"[\x00-\x20\x7f-\xa0\\]", url):
            raise AddressRefused("The URL has a space, a backslash or a control character in it. Percent-encode it.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressRefused(
                "The URL's host or port cannot be read. Send https://host/path, with a port of 0 to 65535 if any, and "
                "an IPv6 address in brackets."
            ) from None
        if parts.scheme not in DEFAULT_PORTS:
            raise AddressRefused(f"A URL begins with https:// or http://{_instead(url)}.")
        if "@" in parts.netloc:
            raise AddressRefused("A name or password in the URL would end in logs. Use a signed URL instead.")
        host = _host(parts.hostname or "", bracketed="[" in parts.netloc)
        path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*") + (
            f"?{quote(parts.query, safe='/%:=&~+!$,;@()*?[]')}" if parts.query else ""
        )
        return cls(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port, path)

    @property
    def ip(self) -> IP | None:
        """The host, where it is no name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def authority(self) -> str:
        """The host, and the port unless it goes without saying: what the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def filename(self) -> str | None:
        """What the path calls it; None where it ends in a slash."""
        last = unquote_to_bytes(self.path.partition("?")[0].rpartition("/")[2])
        try:
            name = last.decode()
        except UnicodeDecodeError:
            name = last.decode("latin-1")
        return name[:1024] or None

    def redirected(self, location: str) -> Address:
        """Return where a redirect leads. Raises AddressRefused; also when TLS would be lost on the way.

        Tabs are dropped, spaces and letters outside ASCII percent-encoded, as browsers do (WHATWG URL, "basic URL
        parser"); what else a URL may not have is refused. What is returned is judged like any URL, and it alone is
        requested.
        """
        try:
            location = location.replace("\t", "")
            if re.search(r"[\x00-\x1f\x7f\\]", location):
                raise AddressRefused("There is a backslash or a control character in it.")
            escaped = re.sub(r"[^!-~]", lambda found: quote(found[0]), location)
            address = Address.parse(urljoin(f"{self.scheme}://{self.authority}{self.path}", escaped))
        except (ValueError, AddressRefused) as error:
            why = error if isinstance(error, AddressRefused) else "It is not a URL."
            raise AddressRefused(f"{self.host} redirects to where it cannot be followed. {why}") from None
        if self.scheme == "https" and address.scheme == "http":
            raise AddressRefused(
                f"{self.host} redirects from https to http://{address.host}, and that is not followed."
            )
        return address


@dataclass(frozen=True)
class Reach:
    """What may be reached: public addresses on some ports, and on any port what lies in `networks`."""

    ports: frozenset[int] = frozenset(DEFAULT_PORTS.values())
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[str]) -> Reach:
        """Read networks, such as 127.0.0.0/8. Raises ValueError."""
        return cls(networks=tuple(ip_network(network) for network in networks))

    def check(self, address: Address, resolved: Iterable[IP] = ()) -> None:
        """Raises AddressRefused unless all that the host stands for may be reached.

        One address of several that may not be is enough: an honest name has none. Without `resolved` only what the
        URL itself tells is judged.
        """
        ips = [address.ip] if address.ip else list(resolved)
        public = [ip for ip in ips if not any(ip in network for network in self.networks)]
        if not all(is_public(ip) for ip in public):
            raise AddressRefused(f"{address.host} is not an address of the public internet.")
        if not ips and self.networks:
            return  # any port may do: it depends on where the name leads
        if address.port not in self.ports and (public or not ips):
            ports = " and ".join(str(port) for port in sorted(self.ports))
            raise AddressRefused(f"Port {address.port} is not one that may be reached; {ports} are.")


def is_public(ip: IP) -> bool:
    """Return whether an address is somebody's on the public internet."""
    if ip in _NAT64:
        ip = IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return not any(ip in network for network in _NOT_PUBLIC)


def _instead(url: str) -> str:
    """Return what to change in a URL of another scheme or of none. The rest of it may be secret."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]{0,20}):(?://|(?=[A-Za-z]))", url)
    if scheme and scheme[1].lower() == "s3":
        return ', not s3:. Send "source": {"s3": "s3://bucket/key"} for an object of a bucket'
    if scheme:
        return f", not {scheme[1]}:"
    return ", and this one has no scheme: put https:// before it" if url else ", and this one is empty"


def _host(host: str, *, bracketed: bool) -> str:
    if bracketed:
        try:
            if "%" not in host:  # a zone is of this machine alone
                return str(IPv6Address(host))
        except ValueError:
            pass
        raise AddressRefused("The URL's host is in brackets and is not an IPv6 address.")
    name = host.removesuffix(".")
    if not _NAME.fullmatch(name):
        raise AddressRefused("The URL's host is not a name. One in another script is written as xn--….")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise AddressRefused("An IPv4 address is written as four decimal numbers, with no zeros before.") from None
    return name
