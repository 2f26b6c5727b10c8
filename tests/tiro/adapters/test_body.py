"""Bodies, framed well and badly."""

from __future__ import annotations

import io
import random
import socket
from http.client import HTTPResponse
from typing import cast

import pytest

from tiro.adapters.body import MAX_LINE, Body, BrokenOff, Malformed

CHUNKED = b"Transfer-Encoding: chunked"


class Sent:
    """What a socket gives to http.client."""

    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._sent)


def answer(*headers: bytes, body: bytes = b"", status: bytes = b"200 OK") -> Body:
    sent = b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", body])
    response = HTTPResponse(cast(socket.socket, Sent(sent)))
    response.begin()
    return Body(response)


def read_all(body: Body, size: int = 1 << 20) -> bytes:
    pieces = []
    while piece := body.read(size):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("seed", range(30))
def test_chunks_of_any_size_are_read_in_pieces_of_any_size(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    content, sent, at = dice.randbytes(dice.randrange(3000)), [], 0
    while at < len(content):
        piece = content[at : at + dice.randrange(1, 400)]
        at += len(piece)
        length = f"{len(piece):{dice.choice('xX')}}".rjust(dice.randrange(1, 6), "0")
        sent.append(f"{length}{dice.choice(['', ';a=b', ' ; x'])}\r\n".encode() + piece + b"\r\n")
    body = answer(CHUNKED, body=b"".join(sent) + dice.choice([b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n"]))
    read = b""
    while piece := body.read(wanted := dice.randrange(1, 500)):
        assert len(piece) == wanted or len(read) + len(piece) == len(content), "fewer only at the end"
        read += piece
    assert (read, body.length) == (content, None)


@pytest.mark.parametrize("cut", range(len(b"6\r\nspeech\r\n0\r\n") + 1))
def test_chunks_that_break_off_anywhere_before_the_last_line(cut: int) -> None:
    sent = b"6\r\nspeech\r\n0\r\n"[:cut]
    if sent.endswith(b"0\r\n"):  # all is there, and servers leave out the last line
        assert read_all(answer(CHUNKED, body=sent)) == b"speech"
    else:
        with pytest.raises(BrokenOff):
            read_all(answer(CHUNKED, body=sent))


@pytest.mark.parametrize(
    "sent",
    [
        b"zz\r\nxx\r\n0\r\n\r\n",
        b"-1\r\n" + b"x" * 99,
        b"-5\r\nxx\r\n",
        b"+2\r\nxx\r\n0\r\n\r\n",
        b"0x2\r\nxx\r\n0\r\n\r\n",
        b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n",
        b"\r\nxx\r\n",
        b"2\r\nxxx\r\n0\r\n\r\n",  # longer than it says
        b"f" * 99 + b"\r\n",
        b"2;" + b"x" * MAX_LINE + b"\r\nxx\r\n",
        b"0\r\n" + b"X: y\r\n" * 1000,
    ],
)
def test_chunks_that_are_none(sent: bytes) -> None:
    with pytest.raises(Malformed):
        read_all(answer(CHUNKED, body=sent))


@pytest.mark.parametrize(
    "lengths",
    [
        [b"-5"],
        [b"five"],
        [b"5_0"],
        [b"+6"],
        [b"6.0"],
        [b"0x6"],
        [b""],
        ["٦".encode()],
        [b"9" * 30],
        [b"6, 7"],
        [b"6", b"7"],
        [b"6,"],
    ],
)
def test_a_length_that_cannot_be(lengths: list[bytes]) -> None:
    with pytest.raises(Malformed, match="length"):
        answer(*(b"Content-Length: " + length for length in lengths), body=b"speech")


@pytest.mark.parametrize("lengths", [[b"6"], [b" 6 "], [b"6, 6"], [b"6", b"6"], [b"006"]])
def test_a_length_is_all_that_is_read(lengths: list[bytes]) -> None:
    body = answer(*(b"Content-Length: " + length for length in lengths), body=b"speech and more")
    if lengths != [b"006"]:
        assert body.length == 6
    assert read_all(body, 4) == b"speech"


def test_a_body_that_is_shorter_than_it_says() -> None:
    body = answer(b"Content-Length: 1000", body=b"speech")
    with pytest.raises(BrokenOff) as broken:
        body.read(1 << 20)
    assert broken.value.missing == 994


def test_without_a_length_the_end_of_the_connection_is_the_end() -> None:
    body = answer(body=b"speech")
    assert (body.length, read_all(body, 4)) == (None, b"speech")


def test_chunks_count_and_a_length_beside_them_does_not() -> None:
    body = answer(CHUNKED, b"Content-Length: -1", body=b"6\r\nspeech\r\n0\r\n\r\n")
    assert (body.length, read_all(body)) == (None, b"speech")


@pytest.mark.parametrize(
    "codings", [[b"gzip, chunked"], [b"gzip"], [b"chunked", b"chunked"], [b"chunked, identity"], [b"xchunked"]]
)
def test_a_form_that_was_not_asked_for(codings: list[bytes]) -> None:
    """http.client would give the marks between the chunks out as part of the recording."""
    with pytest.raises(Malformed, match="form"):
        answer(*(b"Transfer-Encoding: " + coding for coding in codings), body=b"6\r\nspeech\r\n0\r\n\r\n")


@pytest.mark.parametrize("coding", [b"Chunked", b" chunked "])
def test_chunked_in_any_case(coding: bytes) -> None:
    assert read_all(answer(b"Transfer-Encoding: " + coding, body=b"6\r\nspeech\r\n0\r\n\r\n")) == b"speech"


def test_a_status_without_a_body_has_none() -> None:
    body = answer(b"Content-Length: 6", status=b"304 Not Modified", body=b"speech")
    assert (body.length, body.read(9)) == (0, b"")


def test_what_a_server_says_writes_nothing_into_a_log() -> None:
    with pytest.raises(Malformed) as refused:
        answer(b"Content-Length: 1\x1b[31m" + b"9" * 500)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 80
