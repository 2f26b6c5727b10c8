"""A URL has one reading, or none; an address is everybody's, or is not reached. docs/api/sources.md has the table."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tiro.address import Address, Reach, is_public
from tiro.errors import AddressRefused

HOSTILE = """
http://127.0.0.1/                   http://127.0.0.1:22/               http://127.8.9.10/
http://0.0.0.0/                     http://10.0.0.1/                   http://172.16.5.4/
http://192.168.1.1/                 http://169.254.169.254/latest/     http://169.254.170.2/v2/credentials
http://100.64.0.1/                  http://192.0.0.192/                http://198.18.0.1/
http://224.0.0.1/                   http://240.0.0.1/                  http://255.255.255.255/
http://192.0.2.1/                   http://192.88.99.1/                http://203.0.113.7/
http://2130706433/                  http://0x7f000001/                 http://0x7f.0.0.1/
http://0177.0.0.1/                  http://017700000001/               http://127.1/
http://127.0.1/                     http://0/                          http://1.2.3.4.5/
http://127.0.0.01/                  http://256.0.0.1/                  http://0x/
http://[::1]/                       http://[::]/                       http://[::ffff:127.0.0.1]/
http://[::ffff:a9fe:a9fe]/          http://[::127.0.0.1]/              http://[64:ff9b::7f00:1]/
http://[64:ff9b::169.254.169.254]/  http://[64:ff9b:1::a00:1]/         http://[2002:7f00:1::]/
http://[2002:a9fe:a9fe::1]/         http://[2001:0:4136:e378::]/       http://[fd00:ec2::254]/
http://[fc00::1]/                   http://[fe80::1]/                  http://[fe80::1%25eth0]/
http://[ff02::1]/                   http://[2001:db8::1]/              http://[::ffff:0:127.0.0.1]/
http://[127.0.0.1]/                 http://[v1.x]/                     http://[::1
http://１２７.0.0.1/                http://①②⑦.0.0.1/                  http://ⓛocalhost/
http://example。com/                http://münchen.de/                 http://xn--/
http://user@example.com/            http://user:pw@example.com/        http://example.com@127.0.0.1/
http://127.0.0.1#@example.com/      http://example.com\\@127.0.0.1/    http:\\\\127.0.0.1/
http://127%2e0.0.1/                 http://%6c%6f%63alhost%00/         http://example.com:0x50/
http://example.com:22/              http://example.com:6379/           https://example.com:8443/
http://example.com:99999/           http://example.com:0/              http://-example.com/
file:///etc/passwd                  ftp://example.com/a.mp3            gopher://127.0.0.1:70/_x
data:audio/wav;base64,AAAA          javascript:alert(1)                jar:http://example.com!/a
s3://bucket/key                     unix:/var/run/docker.sock          //example.com/a.mp3
example.com/a.mp3                   http:/example.com/                 http:///a.mp3
http://                             http://./                          http://..example.com/
""".split()

CONTROL = [
    "http://example.com/\r\nHost: x",
    "http://exa\tmple.com/",
    " http://example.com/",
    "http://example.com/a b",
    "",
]


@pytest.mark.parametrize("url", [*HOSTILE, *CONTROL, "http://example.com/" + "a" * 5000])
def test_what_nobody_should_make_us_call(url: str) -> None:
    with pytest.raises(AddressRefused):
        Reach().check(Address.parse(url))


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.com", "example.com", "/"),
        ("https://EXAMPLE.com./a.mp3", "example.com", "/a.mp3"),
        ("http://example.com:80/a%20b.mp3?x=1&y=%2F#t=5", "example.com", "/a%20b.mp3?x=1&y=%2F"),
        ("http://example.com:443/", "example.com:443", "/"),
        ("https://cdn.example.com/ä.mp3?q=ü", "cdn.example.com", "/%C3%A4.mp3?q=%C3%BC"),
        ("https://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", "/"),
        (
            "https://my_bucket.s3.amazonaws.com/k?X-Amz-Signature=ab",
            "my_bucket.s3.amazonaws.com",
            "/k?X-Amz-Signature=ab",
        ),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "/"),
        ("http://93.184.215.14/../a", "93.184.215.14", "/../a"),
        ("http://0x7f.example.com/", "0x7f.example.com", "/"),
    ],
)
def test_what_an_honest_url_becomes(url: str, authority: str, path: str) -> None:
    address = Address.parse(url)
    Reach().check(address)
    assert (address.authority, address.path) == (authority, path)


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),  # 8.8.8.8, seen from a network without IPv4
        ("64:ff9b::a00:1", False),
        ("::ffff:8.8.8.8", False),
        ("2002:808:808::1", False),
        ("169.254.169.254", False),
        ("fd00:ec2::254", False),
    ],
)
def test_whose_address_it_is(ip: str, public: bool) -> None:
    assert is_public(ip_address(ip)) is public


def test_one_address_of_several_is_enough_to_refuse() -> None:
    with pytest.raises(AddressRefused):
        Reach().check(Address.parse("http://a.example/"), [ip_address("8.8.8.8"), ip_address("10.0.0.1")])


def test_a_network_that_is_allowed_is_so_on_any_port_and_opens_no_other() -> None:
    reach = Reach.of(["127.0.0.0/8"])
    reach.check(Address.parse("http://127.0.0.1:8080/"))
    reach.check(Address.parse("http://a.example:8080/"), [ip_address("127.0.0.1")])
    for url, ip in [("http://a.example/", "10.0.0.1"), ("http://a.example:8080/", "8.8.8.8")]:
        with pytest.raises(AddressRefused):
            reach.check(Address.parse(url), [ip_address(ip)])


@pytest.mark.parametrize(
    ("url", "location", "leads_to"),
    [
        ("https://a.example/x/y?z=1", "w", "/x/w"),
        ("https://a.example/x", "//b.example/w", "/w"),
        ("http://a.example/x", "https://a.example/", "/"),
        ("http://a.example:80/x", "/w?q", "/w?q"),
    ],
)
def test_where_a_redirect_leads(url: str, location: str, leads_to: str) -> None:
    assert Address.parse(url).redirected(location).path == leads_to


@pytest.mark.parametrize(
    "location", ["http://a.example/", "file:///etc/passwd", "http://x@y/", "gopher://a/", "//[::1"]
)
def test_a_redirect_that_is_not_followed(location: str) -> None:
    with pytest.raises(AddressRefused):
        Address.parse("https://a.example/").redirected(location)


def test_a_recording_is_called_what_its_path_ends_in() -> None:
    assert Address.parse("https://a.example/x/my%20talk.mp3?k=v").filename == "my talk.mp3"
    assert Address.parse("https://a.example/x/").filename is None
    assert Address.parse("https://a.example/%C3%BC.mp3").filename == "ü.mp3"
    assert Address.parse("https://a.example/%FC.mp3").filename == "ü.mp3"  # in Latin-1
