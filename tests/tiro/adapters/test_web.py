"""Recordings on real servers of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web import HERE, Site, body, ranged, raw, redirect, serving, status
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
        (404, FetchFailed, "The server answered 404 Not Found."),
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
    with pytest.raises(FetchFailed, match="packed"), web.open(site.url("/a"), offset=0, tag=None):
        pass


def test_another_part_than_was_asked_for(site: Site, web: EgressWeb) -> None:
    site.pages["/a"] = body(b"x", 206, content_range="bytes 5-5/256")
    with pytest.raises(PeerUnavailable, match="another part"), web.open(site.url("/a"), offset=100, tag='"1"'):
        pass


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="talk.mp3"', "talk.mp3"),
        ("attachment; filename*=UTF-8''%C3%BCber%20uns.mp3", "über uns.mp3"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\talk.mp3"', "talk.mp3"),
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
