"""Calls to addresses that others name, against real servers on this machine."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_socket import socket_allow_hosts

from tests.web import HERE, Names, Site, body, chunked, hanging, lying, raw, redirect, serving, status
from tiro.adapters.egress import Egress, Terms
from tiro.address import Reach
from tiro.errors import AddressRefused, PeerUnavailable

OPEN = Reach.of([HERE])
MANY = Terms(redirects=20, seconds=10.0, connect_seconds=1.0, idle_seconds=2.0)
FEW = Terms(redirects=5, seconds=5.0, connect_seconds=1.0, idle_seconds=0.5)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


def fetch(egress: Egress, url: str, most: int = 1 << 20) -> bytes:
    with egress.get(url) as answer:
        return answer.read(most)


# ---------------------------------------------------------------- what is asked


def test_a_call_says_what_it_must_and_asks_for_nothing_packed(site: Site) -> None:
    site.pages["/a.mp3"] = body(b"speech", content_type="audio/mpeg")
    with Egress(OPEN).get(site.url("/a.mp3?x=1"), {"Range": "bytes=0-"}) as answer:
        assert (answer.status, answer.reason, answer.headers["Content-Type"]) == (200, "OK", "audio/mpeg")
        assert (answer.read(3), answer.read(99), answer.read(1)) == (b"spe", b"ech", b"")
    ((path, headers),) = site.seen
    assert path == "/a.mp3?x=1"
    assert headers == {
        "host": f"127.0.0.1:{site.port}",
        "user-agent": "tiro",
        "accept-encoding": "identity",
        "connection": "close",
        "range": "bytes=0-",
    }


def test_a_body_is_sent_and_its_redirect_is_an_answer(site: Site) -> None:
    site.pages["/hook"] = redirect("/elsewhere", 307)
    with Egress(OPEN, FEW).post(site.url("/hook"), {"Content-Type": "application/json"}, b"{}") as answer:
        assert answer.status == 307
    assert site.bodies == [b"{}"]


def test_what_is_done_with_an_answer_raises_its_own_errors(site: Site) -> None:
    site.pages["/a"] = body(b"speech")
    with pytest.raises(ValueError, match="mine"), Egress(OPEN).get(site.url("/a")):
        raise ValueError("mine")


# ---------------------------------------------------------------- where it goes


def test_the_connection_is_made_to_the_address_that_was_judged(site: Site) -> None:
    """A name that leads elsewhere the second time it is asked for (DNS rebinding) is not asked for a second time."""
    names = Names({"a.example": ["127.0.0.1", "10.0.0.1"]})
    site.pages["/"] = body(b"speech")
    assert fetch(Egress(OPEN, resolve=names), site.url("/", "a.example")) == b"speech"
    assert names.asked == ["a.example"]
    assert site.seen[0][1]["host"] == f"a.example:{site.port}"


@pytest.mark.parametrize(
    "leads_to",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "8.8.8.8 192.168.0.1",
        "::1",
        "fd00:ec2::254",
        "64:ff9b::7f00:1",
        "0.0.0.0",  # noqa: S104  (nobody binds it here)
    ],
)
def test_a_name_that_leads_where_it_must_not_is_not_called(leads_to: str) -> None:
    with pytest.raises(AddressRefused):
        fetch(Egress(Reach(), resolve=Names({"a.example": [leads_to]})), "http://a.example/")


def test_nothing_is_sent_to_an_address_that_is_refused(site: Site) -> None:
    reach = Reach(ports=frozenset({site.port}))
    with pytest.raises(AddressRefused):
        fetch(Egress(reach), site.url("/"))
    with pytest.raises(AddressRefused):
        fetch(Egress(reach, resolve=Names({"localhost": ["127.0.0.1"]})), site.url("/", "localhost"))
    assert site.seen == []


def test_an_address_that_is_deaf_is_no_reason_not_to_try_the_next(site: Site) -> None:
    socket_allow_hosts(["127.0.0.1", "127.0.0.77"], allow_unix_socket=True)
    site.pages["/"] = body(b"speech")
    names = Names({"a.example": ["127.0.0.77 127.0.0.1"]})  # the server listens on one of them alone
    assert fetch(Egress(OPEN, FEW, resolve=names), site.url("/", "a.example")) == b"speech"


def test_a_name_without_an_address_and_a_port_without_a_server() -> None:
    with pytest.raises(PeerUnavailable, match=r"no address for the name gone\.example"):
        fetch(Egress(OPEN, resolve=Names({})), "http://gone.example/")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(PeerUnavailable):
        fetch(Egress(OPEN), f"http://127.0.0.1:{port}/")


# ---------------------------------------------------------------- redirects


def test_redirects_are_followed_and_each_is_judged(site: Site) -> None:
    site.pages |= {"/a": redirect("/b", 301), "/b": redirect(site.url("/c"), 308), "/c": body(b"speech")}
    with Egress(OPEN, FEW).get(site.url("/a")) as answer:
        assert (answer.read(9), answer.address.path) == (b"speech", "/c")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://2130706433/",
        "http://inner.example/",
        "http://user:pw@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "http://127.0.0.1\\@a.example/",
        "http://127.0.0.1/\xe9\x00",
    ],
)
def test_a_redirect_leads_nowhere_that_a_url_may_not(site: Site, location: str) -> None:
    site.pages["/a"] = raw(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode("latin-1"))
    egress = Egress(OPEN, FEW, resolve=Names({"inner.example": ["10.0.0.1"]}))
    with pytest.raises(AddressRefused):
        fetch(egress, site.url("/a"))


def test_a_loop_ends_when_a_url_comes_a_second_time(site: Site) -> None:
    site.pages |= {"/a": redirect("/b?x=1"), "/b": redirect("/b?x=2#there"), "/c": redirect("/c#again")}
    for path, requests in (("/a", 3), ("/c", 1)):
        site.seen.clear()
        with pytest.raises(AddressRefused, match="the same URL comes a second time"):
            fetch(Egress(OPEN, MANY), site.url(path))
        assert len(site.seen) == requests


@pytest.mark.parametrize(("redirects", "works"), [(20, True), (21, False)])
def test_as_many_redirects_as_browsers_follow(site: Site, redirects: int, works: bool) -> None:
    site.pages |= {f"/{i}": redirect(f"/{i - 1}") for i in range(1, 23)} | {"/0": body(b"speech")}
    if works:
        assert fetch(Egress(OPEN, MANY), site.url(f"/{redirects}")) == b"speech"
    else:
        with pytest.raises(AddressRefused, match="more than 20 times"):
            fetch(Egress(OPEN, MANY), site.url(f"/{redirects}"))


@pytest.mark.parametrize("hop", range(1, 21))
def test_the_last_of_many_redirects_is_judged_as_the_first(site: Site, hop: int) -> None:
    """Each hop in turn leads to a name that stands for a private address, which is named and never called."""
    site.pages |= {f"/{i}": redirect(f"/{i + 1}") for i in range(20)}
    site.pages[f"/{hop - 1}"] = redirect("http://inner.example/")
    names = Names({"inner.example": ["10.0.0.1"]})
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 redirects to inner\.example\. .*public internet"):
        fetch(Egress(OPEN, MANY, resolve=names), site.url("/0"))
    assert (len(site.seen), names.asked) == (hop, ["inner.example"])


@pytest.mark.parametrize(
    ("location", "requested"),
    [
        (b"/b ", "/b"),
        (b"\t /b\t ", "/b"),
        (b"\r\n /b", "/b"),  # folded onto a line of its own
        (b"/b\tc", "/bc"),
        (b"/b\r\n c", "/b%20c"),
        (b"b?x=1", "/x/b?x=1"),
        (b"../b", "/b"),
        (b"/b#t=10", "/b"),
        ("/Ångström/ü.mp3?q=ß".encode(), "/%C3%85ngstr%C3%B6m/%C3%BC.mp3?q=%C3%9F"),
        ("/日本語.mp3".encode(), "/%E6%97%A5%E6%9C%AC%E8%AA%9E.mp3"),
        ("/ü.mp3".encode("latin-1"), "/%FC.mp3"),  # no UTF-8: the bytes as they are
        ("/a\u00a0b.mp3".encode(), "/a%C2%A0b.mp3"),
        (b"/my talk (1).mp3?name=my talk", "/my%20talk%20(1).mp3?name=my%20talk"),
        (b"/a%20b%2Fc.mp3?sig=%2B%3D", "/a%20b%2Fc.mp3?sig=%2B%3D"),  # encoded already: not twice
    ],
)
def test_what_a_location_asks_for(site: Site, location: bytes, requested: str) -> None:
    site.pages["/x/a"] = raw(b"HTTP/1.1 302 Found\r\nLocation:" + location + b"\r\nContent-Length: 0\r\n\r\n")
    site.pages[requested.partition("?")[0]] = body(b"speech")
    with Egress(OPEN, FEW).get(site.url("/x/a")) as answer:
        assert answer.address.path == requested
    assert [path for path, _ in site.seen][-1] == requested, "what was judged is what is requested"


@pytest.mark.parametrize("scheme", [b"//", b"http://"])
def test_a_location_with_a_host_of_its_own(site: Site, scheme: bytes) -> None:
    site.pages |= {"/a": raw(b"HTTP/1.1 302 Found\r\nLocation: %ba.example:%d/b\r\n\r\n" % (scheme, site.port))}
    site.pages["/b"] = body(b"speech")
    names = Names({"a.example": ["127.0.0.1"]})
    assert fetch(Egress(OPEN, FEW, resolve=names), site.url("/a")) == b"speech"
    assert site.seen[-1][1]["host"] == f"a.example:{site.port}"


@pytest.mark.parametrize(
    "location",
    [
        b"http://127.0.0.1 @10.0.0.1/",
        b"http://10.0.0.1\t/",
        b"/a\x01b",
        b"/a\x7fb",
        b"\\\\a.example\\b",
        "http://münchen.example/".encode(),
        "http://10。0。0。1/".encode(),
        b"http://user:pw@a.example/",
        b"http://a.example:22/",
        b"ftp://a.example/a.mp3",
        b"javascript:alert(1)",
    ],
)
def test_a_location_that_has_two_readings_or_leads_elsewhere_says_who_redirects(site: Site, location: bytes) -> None:
    site.pages["/a"] = raw(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
    names = Names({"a.example": ["8.8.8.8"]})
    with pytest.raises(AddressRefused, match=r"^127\.0\.0\.1 redirects to"):
        fetch(Egress(OPEN, FEW, resolve=names), site.url("/a"))
    assert len(site.seen) == 1


# ---------------------------------------------------------------- servers that mean no good


def test_what_is_packed_stays_packed(site: Site) -> None:
    """A bomb of 10 MB in 10 kB is 10 kB here: nothing is ever unpacked."""
    bomb = gzip.compress(bytes(10_000_000))
    site.pages["/a"] = body(bomb, content_encoding="gzip")
    assert fetch(Egress(OPEN, FEW), site.url("/a")) == bomb


def test_promises_that_are_not_kept(site: Site) -> None:
    site.pages |= {"/more": lying(b"speech", 1000), "/less": lying(b"speech and more", 6)}
    site.pages["/cut"] = chunked(b"speech", 2, end=False)
    for path in ("/more", "/cut"):
        with pytest.raises(PeerUnavailable):
            fetch(Egress(OPEN, FEW), site.url(path))
    assert fetch(Egress(OPEN, FEW), site.url("/less")) == b"speech"


def test_what_has_no_end_is_read_only_as_far_as_it_is_asked_for(site: Site) -> None:
    site.pages["/a"] = chunked(bytes(65536))
    assert len(fetch(Egress(OPEN, FEW), site.url("/a"), 300_000)) == 300_000


def test_a_server_that_says_nothing(site: Site) -> None:
    release = threading.Event()
    site.pages["/a"] = hanging(release)
    try:
        with pytest.raises(PeerUnavailable, match="did not answer in time"):
            fetch(Egress(OPEN, FEW), site.url("/a"))
    finally:
        release.set()


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "page",
    [
        raw(HEAD, b"X: y\r\n", pause=0.05, again=True),  # a header now and then
        raw(HEAD + b"X: ", b"y", pause=0.05, again=True),  # a header, a letter now and then
        raw(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.05, again=True),
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", pause=0.05, again=True),
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", pause=0.05, again=True),  # trailers
        raw(HEAD + b"Content-Length: 999999\r\n\r\n", b"x", pause=0.05, again=True),
    ],
)
def test_who_drips_is_left_alone_when_the_time_is_over(site: Site, page: object) -> None:
    site.pages["/a"] = page  # type: ignore[assignment]  # parametrize forgets what it is
    with pytest.raises(PeerUnavailable, match="not done within"):
        fetch(Egress(OPEN, replace(FEW, seconds=0.6)), site.url("/a"))


def test_who_is_too_slow_is_left_alone_long_before(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiro.adapters.egress.GRACE_SECONDS", 0.2)
    site.pages["/a"] = chunked(b"x", pause=0.02)
    with pytest.raises(PeerUnavailable, match="less than 50,000 bytes a second"):
        fetch(Egress(OPEN, replace(FEW, seconds=30, bytes_per_second=50_000)), site.url("/a"))


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n"],
        [HEAD + b"".join(b"X%d: y\r\n" % i for i in range(200)) + b"\r\n"],
        [HEAD, *[b"X: " + b"y" * 1000 + b"\r\n" for _ in range(99)], b"\r\n"],
        [b"\x00\x01\x02 not HTTP at all\r\n\r\n"],
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [b"HTTP/1.1 abc OK\r\n\r\n"],
        [b"HTTP/1.1 99999 OK\r\n\r\n"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nxx\r\n"],
        [b""],
    ],
)
def test_what_is_not_http_is_a_server_that_did_not_answer(site: Site, pieces: list[bytes]) -> None:
    site.pages["/a"] = raw(*pieces)
    with pytest.raises(PeerUnavailable):
        fetch(Egress(OPEN, FEW), site.url("/a"))


def test_a_status_line_cannot_write_into_our_log(site: Site) -> None:
    site.pages["/a"] = raw(b"HTTP/1.1 404 Not\x1b[31m Found" + b"!" * 500 + b"\r\nContent-Length: 0\r\n\r\n")
    with Egress(OPEN, FEW).get(site.url("/a")) as answer:
        assert answer.reason.startswith("Not[31m Found!")
        assert len(answer.reason) == 80


def test_a_header_cannot_be_smuggled_in(site: Site) -> None:
    site.pages["/a"] = status(200)
    with pytest.raises(PeerUnavailable), Egress(OPEN, FEW).get(site.url("/a"), {"Range": "x\r\nHost: b"}):
        pass
    assert site.seen == []


# ---------------------------------------------------------------- TLS


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """A certificate for a.example, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "identity.pem"
    form, style = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, style)
    )
    return pem


@pytest.fixture
def secure(identity: Path) -> Iterator[tuple[int, list[str | None]]]:
    """A TLS server that says "speech"; its port, and the names it was called by."""
    called: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    context.sni_callback = lambda _, name, __: called.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.recv(65536)
                    wrapped.sendall(HEAD + b"Content-Length: 6\r\n\r\nspeech")
            except OSError:
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], called
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_certificate_must_be_the_names_and_not_the_addresses(
    identity: Path, secure: tuple[int, list[str | None]]
) -> None:
    port, called = secure
    names = Names({"a.example": ["127.0.0.1"], "b.example": ["127.0.0.1"]})
    egress = Egress(OPEN, FEW, resolve=names, trust=lambda: ssl.create_default_context(cafile=str(identity)))
    assert fetch(egress, f"https://a.example:{port}/") == b"speech"
    assert called == ["a.example"]
    with pytest.raises(PeerUnavailable, match="no certificate that can be trusted"):
        fetch(egress, f"https://b.example:{port}/")
    with pytest.raises(PeerUnavailable, match="no certificate that can be trusted"):
        fetch(Egress(OPEN, FEW, resolve=names), f"https://a.example:{port}/")  # nobody vouches for it


def test_a_name_is_resolved_by_the_system() -> None:
    from tiro.adapters.egress import resolve_by_system

    assert ip_address("127.0.0.1") in resolve_by_system("127.0.0.1", 80)
