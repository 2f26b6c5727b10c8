"""The body of an HTTP/1.1 answer, framed as RFC 9112 (sections 6 and 7.1) says and no looser.

`http.client` takes a length of "-5" or "5_0" for none or for fifty, gives chunk marks out as content when they are
announced as "gzip, chunked", and reads a chunk of "-1" bytes into memory until the connection ends. A recording that
is cut or lengthened in such a way looks whole, so the framing is read here.
"""

from __future__ import annotations

import re
from http.client import HTTPMessage, HTTPResponse

MAX_LINE = 4096
"""Bytes of a chunk's first line, its extensions included, or of a trailer line."""

MAX_TRAILERS = 100

_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class Malformed(Exception):
    """What a server sends is not HTTP. The message continues a sentence that begins with the server's name."""


class BrokenOff(Exception):
    """The connection ended before the body did. `missing` counts bytes; None where the server did not say."""

    def __init__(self, missing: int | None = None) -> None:
        super().__init__(missing)
        self.missing = missing


class Body:
    """Reads what follows the headers of `response`, whose `begin` was called. Raises Malformed."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self._chunked = _is_chunked(response.headers)
        self.length = None if self._chunked else content_length(response.headers)
        if response.length == 0:  # of a status that has no body, or an empty one
            self.length = 0
        self._left = self.length  # bytes of the body, or of the chunk that is being read
        self._ended = False
        # From here on http.client passes bytes on as they come.
        response.chunked, response.length = False, None

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises BrokenOff, Malformed."""
        if self._chunked:
            return self._read_chunks(size)
        wanted = size if self._left is None else min(size, self._left)
        data = self._response.read(wanted)
        if self._left is not None:
            self._left -= len(data)
            if len(data) < wanted:
                raise BrokenOff(self._left)
        return data

    def _read_chunks(self, size: int) -> bytes:
        pieces = []
        while size and not self._ended:
            if not self._left:
                self._left = self._next_chunk()
                continue
            piece = self._response.read(min(size, self._left))
            if not piece:
                raise BrokenOff
            pieces.append(piece)
            size -= len(piece)
            self._left -= len(piece)
            if not self._left and self._line() not in (b"\r\n", b"\n"):
                raise Malformed("sends a chunk that is longer than it says")
        return b"".join(pieces)

    def _next_chunk(self) -> int:
        """Return the size of the next chunk; 0 after the last one, whose trailers are read."""
        line = self._line()
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise Malformed(f"sends chunks whose size is no number ({_shown(line)})")
        size = int(match[1], 16)
        if size == 0:
            self._ended = True
            for _ in range(MAX_TRAILERS):
                if self._line(may_end=True) in (b"\r\n", b"\n", b""):
                    return 0
            raise Malformed("sends trailers without end")
        return size

    def _line(self, *, may_end: bool = False) -> bytes:
        line = self._response.readline(MAX_LINE)
        if not line.endswith(b"\n") and not (may_end and not line):
            if len(line) == MAX_LINE:
                raise Malformed("sends a chunk whose first line does not end")
            raise BrokenOff
        return line


def content_length(headers: HTTPMessage) -> int | None:
    """Return what `Content-Length` says; None where there is none.

    Raises Malformed for what is no number, and for two that differ. One number said twice is that number (RFC 9110,
    section 8.6).
    """
    lengths = {length.strip(" \t") for line in headers.get_all("Content-Length", []) for length in line.split(",")}
    if not lengths:
        return None
    if len(lengths) > 1:
        raise Malformed("claims two lengths at once")
    (length,) = lengths
    if not _LENGTH.fullmatch(length):
        raise Malformed(f"claims an impossible length ({_shown(length.encode())})")
    return int(length)


def _is_chunked(headers: HTTPMessage) -> bool:
    codings = [
        coding.strip(" \t").lower() for line in headers.get_all("Transfer-Encoding", []) for coding in line.split(",")
    ]
    if codings in ([], ["identity"]):
        return False
    if codings != ["chunked"]:
        raise Malformed(f"sends it in a form that it was not asked for ({_shown(', '.join(codings).encode())})")
    return True


def _shown(text: bytes) -> str:
    """Return a server's words so that they fit a sentence and write nothing else into a log."""
    return repr("".join(letter for letter in text.decode("ascii", "replace").strip()[:20] if letter.isprintable()))
