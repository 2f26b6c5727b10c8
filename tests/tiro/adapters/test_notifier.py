"""Webhooks by HTTP, to servers of this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from tests.web import HERE, Site, serving
from tiro.adapters.egress import Egress
from tiro.adapters.notifier import EgressNotifier
from tiro.address import Reach
from tiro.errors import AddressRefused, PeerUnavailable

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def notifier(*networks: str, schemes: tuple[str, ...] = ("https", "http")) -> EgressNotifier:
    return EgressNotifier(Egress(Reach.of(networks)), schemes, lambda: NOW)


def answering(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


@pytest.fixture
def site() -> object:
    with serving() as site:
        yield site


def test_what_is_told_arrives_with_its_headers(site: Site) -> None:
    site.pages["/hook"] = answering(204)
    reply = notifier(HERE).tell(site.url("/hook"), {"webhook-id": "evt_1"}, b'{"a": 1}')
    assert (reply.status, reply.retry_after) == (204, None)
    [(path, headers)] = site.seen
    assert (path, headers["webhook-id"], headers["content-type"]) == ("/hook", "evt_1", "application/json")
    assert site.bodies == [b'{"a": 1}']


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0),
        ("Fri, 02 Jan 2026 03:05:05 +999999999999999999", None),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("9" * 400, 100_000_000),
    ],
)
def test_retry_after_is_seconds_or_a_date(site: Site, header: str, seconds: int | None) -> None:
    site.pages["/hook"] = answering(429, Retry_After=header)
    reply = notifier(HERE).tell(site.url("/hook"), {}, b"")
    assert reply.status == 429
    assert reply.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_redirect_is_an_answer_and_not_followed(site: Site) -> None:
    site.pages |= {"/hook": answering(307, Location="/there"), "/there": answering(200)}
    assert notifier(HERE).tell(site.url("/hook"), {}, b"").status == 307
    assert len(site.seen) == 1


def test_nobody_is_told_inside_or_in_clear(site: Site) -> None:
    site.pages["/hook"] = answering(204)
    with pytest.raises(AddressRefused):
        notifier().tell(site.url("/hook"), {}, b"")
    with pytest.raises(AddressRefused, match="https alone"):
        notifier(HERE, schemes=("https",)).tell(site.url("/hook"), {}, b"")
    assert not site.seen


def test_who_is_not_there_is_unavailable() -> None:
    with pytest.raises(PeerUnavailable):
        notifier(HERE).tell("http://127.0.0.1:1/", {}, b"")
