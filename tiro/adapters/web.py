"""Recordings on other people's servers: what HTTP says of them, in Tiro's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPMessage

from tiro.adapters.egress import Answer, Egress
from tiro.errors import FetchFailed, PeerUnavailable
from tiro.ports import Stream

PASSING = frozenset({408, 425, 429})
"""Refusals that say no more than "not now" (RFC 9110, RFC 8470, RFC 6585), as all of 5xx do."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:;[ -~]*)?")


class EgressWeb:
    """ports.Web."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    @contextmanager
    def open(self, url: str, *, offset: int, tag: str | None) -> Iterator[Stream]:
        # Without a name for what it was, the rest of it could be the rest of something else.
        wanted = {"Range": f"bytes={offset}-", "If-Range": tag} if offset and tag else {}
        with self._egress.get(url, {"Accept": "*/*", **wanted}) as answer:
            _check(answer)
            yield WebStream(answer, *_place(answer, offset))


@dataclass(frozen=True)
class WebStream:
    """ports.Stream."""

    answer: Answer
    offset: int
    size: int | None

    @property
    def tag(self) -> str | None:
        etag = self.answer.headers.get("ETag", "").strip()
        # A weak one does not vouch for the bytes, and If-Range takes none (RFC 9110, section 13.1.5).
        return etag if etag.startswith('"') else self.answer.headers.get("Last-Modified")

    @property
    def content_type(self) -> str | None:
        kind = self.answer.headers.get("Content-Type", "").strip()
        return kind if _CONTENT_TYPE.fullmatch(kind) and len(kind) <= 255 else None

    @property
    def name(self) -> str | None:
        return _disposition(self.answer.headers) or self.answer.address.filename

    def read(self, size: int) -> bytes:
        return self.answer.read(size)


def _check(answer: Answer) -> None:
    status = answer.status
    said = f"The server answered {status} {answer.reason or _phrase(status)}."
    if status >= 500 or status in PASSING:
        raise PeerUnavailable(said)
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise FetchFailed(said)
    packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise FetchFailed(f"The server sends it packed ({packed[:40]!r}), though it was asked not to.")


def _place(answer: Answer, offset: int) -> tuple[int, int | None]:
    """Return where the body begins, and the size of the whole."""
    if answer.status == HTTPStatus.OK:
        length = answer.headers.get("Content-Length", "")
        return 0, int(length) if length.isascii() and length.isdigit() else None
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if match is None or int(match[1]) != offset:
        raise PeerUnavailable("The server sends another part of the recording than it was asked for.")
    return offset, None if match[2] == "*" else int(match[2])


def _disposition(headers: HTTPMessage) -> str | None:
    """Return the file name of `Content-Disposition` (RFC 6266), without any folders before it."""
    if "Content-Disposition" not in headers:
        return None
    name = re.split(r"[/\\]", headers.get_filename() or "")[-1]
    return "".join(letter for letter in name if letter.isprintable())[:255] or None


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "with no known status"
