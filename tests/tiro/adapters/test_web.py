"""Recordings on real servers of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tests.web import HERE, Names, Site, body, ranged, raw, redirect, serving, status
from tiro.adapters.egress import Egress, Terms
from tiro.adapters.web import EgressWeb
from tiro.address import Reach
from tiro.errors import FetchFailed, PeerUnavailable, TiroError

TALK = bytes(range(256))


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def web() -> EgressWeb:
    return EgressWeb(Egress(Reach.of([HERE]), Terms(redirects=5, seconds=5, idle_seconds=1)))


def test_a_recording_and_what_the_server_says_of_it(site: Site, web: EgressWeb) -> None:
    site.pages["/a/talk.mp3"] = body(TALK, content_type="audio/mpeg", etag='"1"')
    with web.open(site.url("/a/talk.mp3?sig=x"), offset=0, tag=None) as stream:
        assert (stream.offset, stream.size, stream.tag) == (0, 256, '"1"')
        assert (stream.content_type, stream.name) == ("audio/mpeg", "talk.mp3")
        assert stream.read(200) + stream.read(200) == TALK
    assert "range" not in site.seen[0][1]


def test_going_on_from_where_it_stopped(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = ranged(lambda: TALK, tag=lambda: '"1"')
    with web.open(site.url("/a"), offset=100, tag='"1"') as stream:
        assert (stream.offset, stream.size) == (100, 256)
        assert stream.read(999) == TALK[100:]
    assert site.seen[0][1]["if-range"] == '"1"'


def test_what_changed_begins_anew(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = ranged(lambda: TALK, tag=lambda: '"2"')
    with web.open(site.url("/a"), offset=100, tag='"1"') as stream:
        assert (stream.offset, stream.read(999)) == (0, TALK)


def test_without_a_name_for_it_nothing_is_gone_on_with(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = ranged(lambda: TALK, tag=lambda: '"2"')
    with web.open(site.url("/a"), offset=100, tag=None) as stream:
        assert stream.offset == 0
    assert "range" not in site.seen[0][1]


def test_a_weak_tag_vouches_for_no_bytes(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = body(TALK, etag='W/"1"', last_modified="Tue, 24 Nov 2026 09:00:00 GMT")
    with web.open(site.url("/a"), offset=0, tag=None) as stream:
        assert stream.tag == "Tue, 24 Nov 2026 09:00:00 GMT"


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (404, FetchFailed, "The server answered 404 Not Found. Check the URL"),
        (501, FetchFailed, "501 Not Implemented"),
        (511, FetchFailed, "must work without a login"),
        (999, FetchFailed, "999"),
        (401, FetchFailed, "401 Unauthorized"),
        (204, FetchFailed, "204 No Content"),
        (304, FetchFailed, "304 Not Modified"),
        (416, FetchFailed, "416 "),
        (429, PeerUnavailable, "429 Too Many Requests"),
        (408, PeerUnavailable, "408 Request Timeout"),
        (500, PeerUnavailable, "500 Internal Server Error"),
        (503, PeerUnavailable, "503 Service Unavailable"),
    ],
)
def test_what_a_server_says_instead(site: Site, web: EgressWeb, answer: int, error: type[TiroError], says: str) -> None:
    site.pages["/a"] = status(answer)
    with pytest.raises(error, match=says), web.open(site.url("/a"), offset=0, tag=None):
        pass


def test_what_was_packed_unasked_is_not_taken(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = body(b"\x1f\x8b", content_encoding="gzip")
    with pytest.raises(FetchFailed, match="compressed"), web.open(site.url("/a"), offset=0, tag=None):
        pass


@pytest.mark.parametrize(
    ("content_range", "headers"),
    [
        ("bytes 5-255/256", {}),  # another part
        ("bytes 100-199/256", {}),  # less than up to the end: what follows it would be missing
        ("bytes 100-255/*", {}),  # nothing says that this is the end
        ("bytes 100-255/300", {}),
        ("bytes 255-100/256", {}),
        ("", {}),
        ("bytes 100-255/256", {"etag": '"2"'}),  # of something else: If-Range is ignored
    ],
)
def test_a_part_that_does_not_go_on_is_no_use_and_all_is_asked_for(
    site: Site, web: EgressWeb, content_range: str, headers: dict[str, str]
) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        wrong = body(TALK[100:], 206, content_range=content_range, **headers)
        (wrong if "Range" in request.headers else body(TALK, etag='"2"'))(request)

    site.pages["/a"] = page
    with web.open(site.url("/a"), offset=100, tag='"1"') as stream:
        assert (stream.offset, stream.size, stream.read(999)) == (0, 256, TALK)
    assert ["range" in headers for _, headers in site.seen] == [True, False]


def test_the_same_date_is_the_same_recording(site: Site, web: EgressWeb) -> None:
    date = "Tue, 24 Nov 2026 09:00:00 GMT"
    site.pages["/a"] = body(TALK[100:], 206, content_range="bytes 100-255/256", last_modified=date, etag='W/"7"')
    with web.open(site.url("/a"), offset=100, tag=date) as stream:
        assert (stream.offset, stream.read(999)) == (100, TALK[100:])


def test_a_server_that_sends_parts_to_every_call(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = body(TALK[:100], 206, content_range="bytes 0-99/256")
    with pytest.raises(FetchFailed, match="another part"), web.open(site.url("/a"), offset=0, tag=None):
        pass
    site.pages["/a"] = body(TALK, 206, content_range="bytes 0-255/256")  # which is the whole, by another name
    with web.open(site.url("/a"), offset=0, tag=None) as stream:
        assert (stream.offset, stream.size, stream.read(999)) == (0, 256, TALK)


def test_nothing_follows_where_all_is_there(site: Site, web: EgressWeb) -> None:
    """A round may end with the last byte; the next one asks for what is behind it."""
    site.pages["/a"] = body(b"no", 416, content_range="bytes */256")
    with web.open(site.url("/a"), offset=256, tag='"1"') as stream:
        assert (stream.offset, stream.size, stream.read(99)) == (256, 256, b"")


def test_what_is_shorter_now_begins_anew(site: Site, web: EgressWeb) -> None:
    def page(request: BaseHTTPRequestHandler) -> None:
        shorter = body(b"no", 416, content_range="bytes */50")
        (shorter if "Range" in request.headers else body(TALK[:50]))(request)

    site.pages["/a"] = page
    with web.open(site.url("/a"), offset=100, tag='"1"') as stream:
        assert (stream.offset, stream.read(99)) == (0, TALK[:50])


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak HTTP on port"),
        (b"220 mail.example ESMTP\r\n", "does not speak HTTP"),
        (b"\x00\x01 not HTTP\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 99999 OK\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "does not speak HTTP"),
        (b"ICY 200 OK\r\n\r\nspeech", "does not speak HTTP"),
        (HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "headers"),
        (HEAD + b"X: y\r\n" * 200 + b"\r\n", "headers that are too"),
        (HEAD + b"Content-Length: -5\r\n\r\nspeech", r"an impossible length \('-5'\)"),
        (HEAD + b"Content-Length: many\r\n\r\nspeech", r"an impossible length \('many'\)"),
        (HEAD + b"Content-Length: 6\r\nContent-Length: 7\r\n\r\nspeech", "two lengths at once"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "a form that it was not asked for"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n", r"chunks whose size is no number \('zz'\)"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nxx\r\n", r"chunks whose size is no number \('-1'\)"),
        (b"HTTP/1.1 302 Found\r\n\r\n", "302 Found. It does not say where the recording is"),
        (b"HTTP/1.1 300 Multiple Choices\r\nLocation: /b\r\n\r\n", "does not say where"),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "without a login"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "it may have expired"),
    ],
)
def test_a_source_that_is_plainly_wrong_is_not_asked_again(
    site: Site, web: EgressWeb, answer: bytes, says: str
) -> None:
    site.pages["/a"] = raw(answer)
    with pytest.raises(FetchFailed, match=says), web.open(site.url("/a"), offset=0, tag=None) as stream:
        stream.read(1 << 20)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "closed the connection without an answer"),
        (HEAD + b"Content-Length: 999\r\n\r\nspeech", "broke off with 993 bytes still to come"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nspe", "broke off"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nspeech\r\n", "broke off"),
    ],
)
def test_what_may_heal_is_asked_again(site: Site, web: EgressWeb, answer: bytes, says: str) -> None:
    site.pages["/a"] = raw(answer)
    with pytest.raises(PeerUnavailable) as failed, web.open(site.url("/a"), offset=0, tag=None) as stream:
        stream.read(1 << 20)
    assert re.search(says, str(failed.value))
    assert not failed.value.lasting


@pytest.mark.parametrize(
    ("status_code", "header", "seconds"), [(503, "120", 120), (429, "3", 3), (429, "soon", None), (500, "", None)]
)
def test_a_server_that_says_when_to_come_back(
    site: Site, web: EgressWeb, status_code: int, header: str, seconds: int | None
) -> None:
    site.pages["/a"] = status(status_code, retry_after=header)
    with pytest.raises(PeerUnavailable) as failed, web.open(site.url("/a"), offset=0, tag=None):
        pass
    asked = failed.value.retry_after
    assert (asked and asked.total_seconds()) == seconds


def test_a_name_that_does_not_exist_seldom_heals() -> None:
    web = EgressWeb(Egress(Reach(), resolve=Names({})))
    with pytest.raises(PeerUnavailable) as failed, web.open("http://gone.example/a.mp3", offset=0, tag=None):
        pass
    assert failed.value.lasting


def test_only_get_is_asked_and_a_refresh_is_not_followed(site: Site, web: EgressWeb) -> None:
    methods = []

    def page(request: BaseHTTPRequestHandler) -> None:
        methods.append(request.command)
        body(TALK, refresh="0; url=http://10.0.0.1/")(request)

    site.pages["/a"] = page
    with web.open(site.url("/a"), offset=0, tag=None) as stream:
        assert stream.read(999) == TALK
    assert methods == ["GET"]


def test_a_tag_that_cannot_be_sent_back_is_none(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = raw(HEAD + b'ETag: "1\r\n 2"\r\nContent-Length: 1\r\n\r\nx')  # folded
    with web.open(site.url("/a"), offset=0, tag=None) as stream:
        assert stream.tag is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="talk.mp3"', "talk.mp3"),
        ("attachment; filename*=UTF-8''%C3%BCber%20uns.mp3", "über uns.mp3"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\talk.mp3"', "talk.mp3"),
        ("attachment; filename=a.mp3; filename*=UTF-8''%e2%82%ac.mp3", "€.mp3"),
        ("inline", "a.ogg"),
        ('attachment; filename=""', "a.ogg"),
    ],
)
def test_what_the_file_is_called(site: Site, web: EgressWeb, header: str, name: str) -> None:
    site.pages |= {"/x": redirect("/a.ogg"), "/a.ogg": body(TALK, content_disposition=header)}
    with web.open(site.url("/x"), offset=0, tag=None) as stream:
        assert stream.name == name


def test_a_type_that_is_none_is_not_passed_on(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Type: <script>\r\nContent-Length: 1\r\n\r\nx")
    with web.open(site.url("/a"), offset=0, tag=None) as stream:
        assert stream.content_type is None
