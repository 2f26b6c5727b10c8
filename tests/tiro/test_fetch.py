"""A `url` is fetched: round after round, whatever the server does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes_fetch import DOWN, NOT_FOUND
from tests.tiro.fetching import LONG, URL, Fetching
from tiro.errors import AddressRefused, InvalidRequest, MediaTooLarge, PeerUnavailable
from tiro.job import JobStatus, view
from tiro.service.fetch import MAX_FAILURES, MAX_LASTING_FAILURES, MAX_RESTARTS, PART_BYTES


@pytest.fixture
def house() -> Fetching:
    return Fetching()


def test_a_url_waits_for_its_recording(house: Fetching) -> None:
    job = house.ask()
    assert (job.status, job.source, job.url) == (JobStatus.AWAITING_MEDIA, "url", URL)
    assert job.media
    assert job.media.name == "my talk.mp3"
    assert job.upload_expires_at == job.created_at + timedelta(hours=6)
    assert "secret" not in view(job).model_dump_json()


def test_a_short_recording_is_one_object_at_once(house: Fetching) -> None:
    job = house.ask()
    assert house.run() == ["fetched"]
    assert house.fetched(job) == b"speech"
    described = house.jobs.get(job.id)
    assert described.media
    assert (described.media.name, described.media.content_type) == ("talk.mp3", "audio/mpeg")
    assert described.status is JobStatus.AWAITING_MEDIA  # until S3 says that it is there
    assert house.left() == 0
    arrived = house.arrived(house.put(f"uploads/ada/{job.id}"))
    assert arrived
    assert (arrived.status, arrived.media and arrived.media.name) == (JobStatus.QUEUED, "talk.mp3")


@pytest.mark.parametrize("says_size", [True, False])
@pytest.mark.parametrize("body", [LONG, LONG[: 2 * PART_BYTES], LONG[:PART_BYTES]])
def test_a_long_recording_comes_in_parts(house: Fetching, body: bytes, says_size: bool) -> None:
    house.web.body, house.web.says_size = body, says_size
    job = house.ask()
    assert house.run() == ["fetched"]
    assert house.fetched(job) == body
    assert house.left() == 0


def test_what_takes_longer_goes_on_in_the_next_round(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0  # two parts in a round of 120 s
    job = house.ask()
    assert house.run() == [f"goes on from {2 * PART_BYTES:,} bytes", "fetched"]
    assert house.web.asked == [(URL, 0, None), (URL, 2 * PART_BYTES, '"1"')]
    assert house.fetched(job) == LONG
    assert house.left() == 0


def test_a_server_that_can_only_begin_anew_is_not_asked_for_ever(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read, house.web.goes_on = LONG, 70.0, False
    job = house.ask()
    assert house.run()[-1].startswith("failed: The server cannot go on where it stopped")
    assert len(house.web.asked) == MAX_RESTARTS + 2
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("fetch_failed", False)
    assert house.left() == 0


def test_a_recording_that_changed_is_not_sewn_to_its_old_half(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 70.0
    job = house.ask()
    message = house.next_message()
    house.fetcher.take(message)
    house.web.body, house.web.tag, house.web.seconds_per_read = b"x" + LONG, '"2"', 0.0
    assert house.run() == ["fetched"]
    assert house.fetched(job) == b"x" + LONG
    assert house.left() == 0


def test_what_breaks_off_is_taken_up_where_it_stopped(house: Fetching) -> None:
    house.web.body = LONG
    job = house.ask()
    house.web.fails = [DOWN]
    came = house.run()
    assert came[0].startswith("The server answered 503 Service Unavailable. Again in ")
    assert came[1:] == ["fetched"]
    assert house.fetched(job) == LONG


def test_failures_are_counted_anew_after_every_part(house: Fetching) -> None:
    house.web.body, house.web.seconds_per_read = LONG, 200.0  # a part in each round
    job = house.ask()
    house.web.fails = [DOWN] * (MAX_FAILURES - 1)
    for _ in range(MAX_FAILURES):
        house.fetcher.take(house.next_message())
    house.web.fails = [DOWN] * (MAX_FAILURES - 1)
    assert house.run()[-1] == "fetched"
    assert house.fetched(job) == LONG


def test_a_server_that_is_down_is_asked_a_few_times_over_many_minutes(house: Fetching) -> None:
    job = house.ask()
    house.web.fails = [DOWN] * 99
    began = house.clock.now()
    assert len(house.run()) == MAX_FAILURES
    assert timedelta(minutes=10) < house.clock.now() - began < timedelta(minutes=40)
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("peer_unavailable", True)
    assert problem.detail == "The server answered 503 Service Unavailable."
    assert house.left() == 0


def test_a_server_that_says_no_is_asked_once(house: Fetching) -> None:
    job = house.ask()
    house.web.fails = [NOT_FOUND]
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("fetch_failed", False)
    assert problem.detail == "The server answered 404 Not Found."
    assert (len(house.web.asked), house.left()) == (1, 0)


@pytest.mark.parametrize("says_size", [True, False])
def test_what_is_too_large_is_not_read_to_its_end(says_size: bool) -> None:
    house = Fetching(limits={"max_media_bytes": PART_BYTES + 1})
    house.web.body, house.web.says_size = LONG, says_size
    job = house.ask()
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert problem.code == MediaTooLarge.code
    assert house.left() == 0


def test_nothing_is_not_a_recording(house: Fetching) -> None:
    house.web.body, house.web.says_size = b"", False
    job = house.ask()
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert problem.code == "media_empty"


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/", "http://127.0.0.1/", "https://media.example:8443/"])
def test_an_address_that_may_not_be_reached_makes_no_job(house: Fetching, url: str) -> None:
    with pytest.raises(AddressRefused):
        house.ask(url)
    assert house.jobs.jobs == {}


@pytest.mark.parametrize(
    "url", ["ftp://media.example/a", "http://2130706433/", "https://a:b@media.example/", "", "a b"]
)
def test_what_is_not_a_url_is_named(house: Fetching, url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        house.ask(url)
    assert refused.value.errors[0].pointer == "/source/url"


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"<!doctype html><title>Sign in</title>", "text/html; charset=utf-8", "a web page (text/html)"),
        (b"<html>" + b"x" * 2 * PART_BYTES, None, "a web page (no content type)"),
        (b"<?xml version='1.0'?><rss><channel>", "application/rss+xml", "a feed (application/rss+xml)"),
        (b'{"error": "expired"}', "application/json", "a JSON document (application/json)"),
        (b"PK\x03\x04", "application/zip", "an archive (application/zip)"),
        (b"%PDF-1.7", "application/pdf", "a PDF document (application/pdf)"),
    ],
)
def test_what_is_no_recording_is_named(house: Fetching, body: bytes, content_type: str | None, says: str) -> None:
    house.web.body, house.web.content_type = body, content_type
    job = house.ask()
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("no_media_at_url", False)
    assert problem.detail.startswith(f"media.example answered 200 with {says}, and no recording.")
    assert "upload" in problem.detail.lower() or "Use the URL" in problem.detail or "Unpack" in problem.detail
    assert (len(house.web.asked), house.left()) == (1, 0)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("www.dropbox.com", "`dl=1`"),
        ("accounts.google.com", "export=download"),
        ("onedrive.live.com", "`download=1`"),
        ("example-my.sharepoint.com", "`download=1`"),
        ("notdropbox.com", "share link"),
    ],
)
def test_a_share_link_is_told_how_to_become_a_download(house: Fetching, host: str, says: str) -> None:
    house.web.body, house.web.content_type, house.web.host = b"<!doctype html>", "text/html", host
    job = house.ask()
    house.run()
    problem = house.jobs.get(job.id).problem
    assert problem
    assert says in problem.detail
    assert ("`dl=1`" in problem.detail) == (host == "www.dropbox.com")


def test_a_type_alone_condemns_no_recording(house: Fetching) -> None:
    house.web.body, house.web.content_type = b"ID3\x04\x00", "text/html"
    job = house.ask()
    assert house.run() == ["fetched"]
    assert house.fetched(job) == b"ID3\x04\x00"


def test_what_lies_after_the_first_part_is_not_judged(house: Fetching) -> None:
    """A recording that goes on with bytes that look like a web page is a recording."""
    house.web.body, house.web.seconds_per_read = LONG[:PART_BYTES] + b"<html>", 200.0
    job = house.ask()
    assert house.run()[-1] == "fetched"
    assert house.fetched(job) == LONG[:PART_BYTES] + b"<html>"


def test_what_seldom_heals_is_asked_once_more_and_that_is_all(house: Fetching) -> None:
    job = house.ask()
    house.web.fails = [PeerUnavailable("There is no address for the name gone.example.", lasting=True)] * 99
    assert len(house.run()) == MAX_LASTING_FAILURES
    problem = house.jobs.get(job.id).problem
    assert problem
    assert (problem.code, problem.retryable) == ("peer_unavailable", True)
    assert house.left() == 0


@pytest.mark.parametrize(("asked", "waits"), [(120, 120), (10**6, 900), (0, 15)])
def test_a_server_is_left_alone_for_as_long_as_it_asks(house: Fetching, asked: int, waits: int) -> None:
    house.ask()
    house.web.fails = [PeerUnavailable("429", retry_after=timedelta(seconds=asked))]
    began = house.clock.now()
    house.fetcher.take(house.next_message())
    house.next_message()  # advances to when it comes
    assert int(0.75 * waits) <= (house.clock.now() - began).total_seconds() <= 1.25 * waits
