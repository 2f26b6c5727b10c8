"""Names of files, as servers give them."""

from __future__ import annotations

from email.message import Message
from http.client import HTTPMessage

import pytest

from tiro.adapters.disposition import MAX_NAME, clean_name, disposition_name


def name(header: bytes | str) -> str | None:
    headers: Message = HTTPMessage()
    sent = header if isinstance(header, bytes) else header.encode()
    headers["Content-Disposition"] = sent.decode("latin-1")  # as http.client reads it
    assert isinstance(headers, HTTPMessage)
    return disposition_name(headers)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('attachment; filename="talk.mp3"', "talk.mp3"),
        ("attachment; filename=talk.mp3", "talk.mp3"),
        ("attachment;FILENAME = talk.mp3 ; size=5", "talk.mp3"),
        ('attachment; filename="a; b.mp3"; x=y', "a; b.mp3"),
        ('attachment; filename="say \\"hi\\".mp3"', 'say "hi".mp3'),
        ('attachment; filename="über.mp3"', "über.mp3"),  # raw UTF-8
        (b'attachment; filename="\xfcber.mp3"', "über.mp3"),  # raw Latin-1
        ("filename=talk.mp3", "talk.mp3"),
        # RFC 6266 and RFC 8187, with the examples of their texts
        ("attachment; filename*=UTF-8''%e2%82%ac%20rates.mp3", "€ rates.mp3"),
        ("attachment; filename=\"EURO rates.mp3\"; filename*=utf-8''%e2%82%ac%20rates.mp3", "€ rates.mp3"),
        ("attachment; filename*=utf-8''%e2%82%ac%20rates.mp3; filename=\"EURO rates.mp3\"", "€ rates.mp3"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates.mp3", "£ rates.mp3"),
        ("attachment; filename*=\"UTF-8''%e2%82%ac.mp3\"", "€.mp3"),  # quotes are wrong, and common
        # a bad one falls back
        ("attachment; filename=a.mp3; filename*=UTF-8''%FF.mp3", "a.mp3"),
        ("attachment; filename=a.mp3; filename*=UTF-8''%zz.mp3", "a.mp3"),
        ("attachment; filename=a.mp3; filename*=UTF-8''%4", "a.mp3"),
        ("attachment; filename=a.mp3; filename*=klingon''b.mp3", "a.mp3"),
        ("attachment; filename=a.mp3; filename*=b.mp3", "a.mp3"),
        ("attachment; filename=a.mp3; filename*=UTF-8''", "a.mp3"),
        ("attachment; filename*=UTF-8''%FF.mp3", None),
        ("attachment; filename*0*=UTF-8''%c3%bc; filename*1=ber.mp3", "über.mp3"),  # RFC 2231
        # nothing but a name comes out
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("attachment; filename*=UTF-8''C%3A%5Ctemp%5Ctalk.mp3", "talk.mp3"),
        ('attachment; filename="C:\\temp\\talk.mp3"', "talk.mp3"),
        ("attachment; filename*=UTF-8''talk%0d%0aX%3a%20y%00.mp3", "talkX: y.mp3"),
        ("attachment; filename*=UTF-8''talk%E2%80%AE3pm.exe", "talk3pm.exe"),  # text that runs backwards
        ('attachment; filename=".."', None),
        ('attachment; filename=""', None),
        ("inline", None),
        ("", None),
        ('attachment; filename="' + "x" * 999 + '"', "x" * MAX_NAME),
        ('attachment; filename="' + "x" * 999 + '.g722"', "x" * (MAX_NAME - 5) + ".g722"),  # the extension stays
        ('attachment; filename="' + "x" * 9 + "." + "y" * 999 + '"', "x" * 9 + "." + "y" * (MAX_NAME - 10)),
        ('attachment; filename="talk.mp3', "talk.mp3"),  # a quote that is not closed
    ],
)
def test_what_the_file_is_called(header: bytes | str, expected: str | None) -> None:
    assert name(header) == expected


def test_no_header_is_no_name() -> None:
    assert disposition_name(HTTPMessage()) is None


@pytest.mark.parametrize(
    ("path", "expected"), [("a/b.mp3", "b.mp3"), ("a%\x00\n.mp3", "a%.mp3"), ("..", None), (" ", None), ("a/", None)]
)
def test_a_path_becomes_a_name(path: str, expected: str | None) -> None:
    assert clean_name(path) == expected
