"""Documents are told from recordings by how they begin."""

from __future__ import annotations

import random

import pytest

from tiro.sniff import ARCHIVE, FEED, HEAD_BYTES, JSON, PDF, PLAYLIST, TEXT, WEB_PAGE, XML, document_in

HTML = "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("head", "content_type", "kind"),
    [
        (b"<!DOCTYPE html><html>", HTML, WEB_PAGE),
        (b"\n\t <HTML lang=en>", None, WEB_PAGE),
        (b"<!doctype html>", "application/octet-stream", WEB_PAGE),
        (b"<!doctype html>", "audio/mpeg", WEB_PAGE),
        (b"\xef\xbb\xbf<html><head>", None, WEB_PAGE),
        (b"<!-- saved --><p>", None, WEB_PAGE),
        ("<html>ü".encode("latin-1"), None, WEB_PAGE),
        ("<html>ü".encode("utf-16"), None, WEB_PAGE),
        (b"<?xml version='1.0'?><!DOCTYPE html><html xmlns='x'>", None, WEB_PAGE),
        (b"Please log in.", HTML, WEB_PAGE),
        (b"<?xml version='1.0'?><rss version='2.0'><channel>", "application/octet-stream", FEED),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'>", "application/atom+xml", FEED),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "application/xml", XML),
        (b"<?xml version='1.0'?><MPD>", None, PLAYLIST),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", "application/vnd.apple.mpegurl", PLAYLIST),
        (b"[playlist]\nFile1=http://a.example/", "audio/x-scpls", PLAYLIST),
        (b'{"error": {"code": 403}}', "application/json", JSON),
        (b'{"error": {"code": 403}}', None, JSON),
        (b"[]", "application/json", JSON),
        (b'[{"a": 1}]', "binary/octet-stream", JSON),
        (b"\xef\xbb\xbf#EXTM3U\n", "audio/mpeg", PLAYLIST),
        (b"http://a.example/1.mp3\n", "audio/x-mpegurl", PLAYLIST),
        (b"<meta charset=utf-8><title>Log in", "application/octet-stream", WEB_PAGE),
        (b"Access denied. Please log in.", "audio/mpeg", TEXT),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345 bytes here", None, TEXT),
        (b"quota exceeded", "application/problem+json", JSON),
        (b"Not available in your country.", "text/plain", TEXT),
        ("ü".encode() * 5000, "text/plain", TEXT),  # cut in the middle of a letter
        (b"%PDF-1.7", "application/pdf", PDF),
        (b"PK\x03\x04", "audio/mpeg", ARCHIVE),
        (b"\x1f\x8b\x08\x00", "application/gzip", ARCHIVE),
        (b"Rar!\x1a\x07\x01", None, ARCHIVE),
        (b"7z\xbc\xaf\x27\x1c", None, ARCHIVE),
    ],
)
def test_what_is_no_recording(head: bytes, content_type: str | None, kind: str) -> None:
    assert document_in(head[:HEAD_BYTES], content_type) == kind


NIST = b"NIST_1A\n   1024\nsample_rate -i 16000\nend_head\n".ljust(1024)


@pytest.mark.parametrize("content_type", [None, HTML, "text/plain", "application/json", "application/xml"])
@pytest.mark.parametrize(
    "head",
    [
        b"ID3\x04\x00\x00",
        b"\xff\xfb\x90\x00" + bytes(99),
        b"OggS\x00\x02",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"fLaC\x00\x00\x00\x22",
        b"\x00\x00\x00\x20ftypM4A ",
        b"\x1aE\xdf\xa3\x01\x00",
        b"#!AMR\n\x3c\x00\x00",
        b".snd\x00\x00\x00\x18",
        NIST,
        b"\xff\x7f" * 2048,  # silence in µ-law, without a header
        b"\x80" * 4096,
        b"",
    ],
)
def test_a_recording_under_any_wrong_type_is_let_through(head: bytes, content_type: str | None) -> None:
    assert document_in(head, content_type) is None


def test_samples_without_a_header_are_no_document_whatever_they_are_called() -> None:
    dice = random.Random(15)  # noqa: S311
    for _ in range(300):
        head = dice.randbytes(HEAD_BYTES)
        assert document_in(head, dice.choice([None, HTML, "text/plain", "application/json"])) is None


def test_text_without_a_type_may_be_anything() -> None:
    assert document_in(b"Hello", None) is None


def test_letters_that_are_samples_are_no_text() -> None:
    assert document_in(b"UUUUUUUUUUUUUUUU ab cd " * 99, None) is None, "A-law near silence, without a header"
