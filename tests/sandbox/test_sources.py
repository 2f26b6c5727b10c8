"""Every way in, on the deployed stack: a URL of this machine, parts, a batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.up import SAMPLE
from tests.sandbox.conftest import RunningSandbox
from tests.sandbox.stack import Stack, eventually
from tests.web import Site, body, raw, redirect, serving, status
from tiro.client import Client
from tiro.job import JobView

pytestmark = pytest.mark.sandbox

SPEECH = SAMPLE.read_bytes()

RAW_UTF_8 = "/ü b.ogg".encode().decode("latin-1")
"""As `http.server` is given it: it writes each character of a header as one byte."""


@pytest.fixture
def stack(running_sandbox: RunningSandbox) -> Iterator[Stack]:
    with Stack(running_sandbox) as stack:
        yield stack


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.pages |= {"/sample.ogg": body(SPEECH, content_type="audio/ogg"), "/there": redirect("/sample.ogg")}
        site.pages |= {"/gone": status(410), "/metadata": redirect("http://169.254.169.254/latest/meta-data/")}
        site.pages |= {f"/{hop}": redirect(f" /{hop - 1}#hop ") for hop in range(1, 22)} | {"/0": redirect(RAW_UTF_8)}
        site.pages |= {"/%C3%BC%20b.ogg": body(SPEECH, content_disposition="x; filename*=UTF-8''%e2%82%ac.ogg")}
        site.pages |= {"/share": body(b"<!doctype html><title>Sign in</title>", content_type="text/html")}
        site.pages |= {"/length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nspeech")}
        yield site


def test_a_url_becomes_a_transcript(stack: Stack, site: Site) -> None:
    job = stack.wait(stack.submit({"url": site.url("/there")})["id"])
    assert (job["status"], job["source"]) == ("completed", "url")
    assert (job["media"]["name"], job["media"]["content_type"]) == ("sample.ogg", "audio/ogg")


def test_a_podcast_s_link_redirects_often(stack: Stack, site: Site) -> None:
    job = stack.wait(stack.submit({"url": site.url("/19")})["id"])
    assert job["problem"] is None, job["problem"]
    assert (job["status"], job["media"]["name"]) == ("completed", "€.ogg")
    assert job["timings"]["queued_ms"] >= 0


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("/gone", "fetch_failed", "The server answered 410 Gone."),
        ("/metadata", "address_refused", "169.254.169.254"),
        ("/share", "no_media_at_url", "answered 200 with a web page (text/html)"),
        ("/length", "fetch_failed", "an impossible length"),
        ("/21", "address_refused", "more than 20 times"),
    ],
)
def test_a_url_that_leads_nowhere_says_why(stack: Stack, site: Site, path: str, code: str, says: str) -> None:
    job = stack.wait(stack.submit({"url": site.url(path)})["id"])
    assert (job["status"], job["problem"]["code"]) == ("failed", code)
    assert says in job["problem"]["detail"]


def test_a_large_file_goes_up_in_parts(stack: Stack, tmp_path: Path) -> None:
    """Silence for an hour: it is there when S3 says so, and is not waited for."""
    file = tmp_path / "long.wav"
    with file.open("wb") as zeros:
        zeros.write(wav_header(110_000_000))
        zeros.truncate(110_000_044)
    with Client(stack.env["TIRO_API_URL"], stack.env["TIRO_API_KEY"]) as client:
        job = client.submit(file)
        assert job.upload
        assert job.upload.multipart

        def queued() -> JobView | None:
            found = client.job(job.id)
            return found if found.queued_at else None

        there = eventually(queued)
    assert there.media
    assert (there.media.size, there.media.duration) == (110_000_044, 3437.5)


def test_a_batch_is_counted_to_its_end(stack: Stack, site: Site) -> None:
    sources = [{"url": site.url("/sample.ogg")}, {"url": site.url("/gone")}, {"url": "http://10.0.0.1/"}]
    made = stack.call("POST", "batches", json={"sources": sources})
    assert made.status_code == 202
    assert made.json()["refused"] == 1
    at = made.headers["Location"].removeprefix("/v1/")
    done = eventually(lambda: (found := stack.call("GET", at).json())["done"] and found)
    assert {status: count for status, count in done["counts"].items() if count} == {"completed": 1, "failed": 1}


def wav_header(size: int) -> bytes:
    """Of 16 kHz, mono, 16 bits."""
    form = b"WAVEfmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") * 2
    form += (16_000).to_bytes(4, "little") + (32_000).to_bytes(4, "little") + (2).to_bytes(2, "little")
    form += (16).to_bytes(2, "little") + b"data" + size.to_bytes(4, "little")
    return b"RIFF" + (len(form) + size).to_bytes(4, "little") + form
