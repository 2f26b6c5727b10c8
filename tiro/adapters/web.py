"""Recordings on other people's servers: what HTTP says of them, in Tiro's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from tiro.adapters.disposition import clean_name, disposition_name
from tiro.adapters.egress import Answer, Egress
from tiro.adapters.retry_after import retry_after
from tiro.adapters.system import SystemClock
from tiro.errors import FetchFailed, PeerUnavailable
from tiro.ports import Stream

PASSING = frozenset({408, 425, 429})
"""Refusals that say no more than "not now" (RFC 9110, RFC 8470, RFC 6585), as 5xx do except those of `LASTING`."""

LASTING = frozenset({501, 505, 511})
"""Of 5xx those that say that the server does not do what it is asked, or wants a login (RFC 9110, RFC 6585)."""

WANTS_LOGIN = frozenset({401, 402, 403, 407, 451, 511})

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
_UNSATISFIED_RANGE = re.compile(r"bytes \*/([0-9]{1,18})")
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:;[ -~]*)?")


class EgressWeb:
    """ports.Web."""

    def __init__(self, egress: Egress, now: Callable[[], datetime] | None = None) -> None:
        self._egress, self._now = egress, now or SystemClock().now

    @contextmanager
    def open(self, url: str, *, offset: int, tag: str | None) -> Iterator[Stream]:
        try:
            # Without a name for what it was, the rest of it could be the rest of something else.
            if offset and tag:
                with self._ask(url, {"Range": f"bytes={offset}-", "If-Range": tag}) as answer:
                    if stream := _rest(answer, offset, tag):
                        yield stream
                        return
                    if answer.status not in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
                        yield self._whole(answer)
                        return
            with self._ask(url, {}) as answer:
                yield self._whole(answer)
        except PeerUnavailable as error:
            if not error.malformed:
                raise
            raise FetchFailed(str(error)) from None

    def _ask(self, url: str, headers: Mapping[str, str]) -> AbstractContextManager[Answer]:
        return self._egress.get(url, {"Accept": "*/*", **headers})

    def _whole(self, answer: Answer) -> WebStream:
        """Return the recording from its beginning. Raises FetchFailed, PeerUnavailable."""
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            found = _range(answer)
            if found is None or found[0] != 0:
                raise FetchFailed("The server sends another part of the recording than it was asked for.")
        else:
            self._check(answer)
        _check_coding(answer)
        return WebStream(answer, 0, answer.length)

    def _check(self, answer: Answer) -> None:
        status = answer.status
        said = f"The server answered {status} {answer.reason or _phrase(status)}."
        if (500 <= status < 600 and status not in LASTING) or status in PASSING:
            asked = retry_after(answer.headers.get("Retry-After", ""), self._now())
            raise PeerUnavailable(said, retry_after=asked)
        if 300 <= status < 400 and status != HTTPStatus.NOT_MODIFIED:
            raise FetchFailed(f"{said} It does not say where the recording is (no `Location`).")
        if status in WANTS_LOGIN:
            raise FetchFailed(f"{said} The URL must work without a login; if it is signed, it may have expired.")
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            raise FetchFailed(f"{said} Check the URL: the server has no file there, or no longer.")
        if status != HTTPStatus.OK:
            raise FetchFailed(said)


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
        tag = etag if etag.startswith('"') else self.answer.headers.get("Last-Modified", "").strip()
        return tag if tag and tag.isprintable() else None  # it is sent back as a header

    @property
    def content_type(self) -> str | None:
        kind = self.answer.headers.get("Content-Type", "").strip()
        return kind if _CONTENT_TYPE.fullmatch(kind) and len(kind) <= 255 else None

    @property
    def name(self) -> str | None:
        return disposition_name(self.answer.headers) or clean_name(self.answer.address.filename or "")

    @property
    def host(self) -> str:
        return self.answer.address.host

    @property
    def status(self) -> int:
        return self.answer.status

    def read(self, size: int) -> bytes:
        return b"" if self.offset == self.size else self.answer.read(size)


def _rest(answer: Answer, offset: int, tag: str) -> WebStream | None:
    """Return what follows `offset`, up to the end, of what `tag` names; None where the answer is not that.

    A server may send less than was asked for, and some send something else under a name that they ignore.
    """
    if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        match = _UNSATISFIED_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        return WebStream(answer, offset, offset) if match and int(match[1]) == offset else None  # all of it is there
    named = answer.headers.get("ETag" if tag.startswith('"') else "Last-Modified", tag).strip()
    found = _range(answer) if answer.status == HTTPStatus.PARTIAL_CONTENT else None
    if found is None or found[0] != offset or named != tag:
        return None
    _check_coding(answer)
    return WebStream(answer, offset, found[1])


def _range(answer: Answer) -> tuple[int, int] | None:
    """Return where a part begins, and the size of the whole; None where the part does not go up to the end."""
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    if match is None:
        return None
    start, last, size = (int(number) for number in match.groups())
    fits = start <= last == size - 1 and answer.length in (None, size - start)
    return (start, size) if fits else None


def _check_coding(answer: Answer) -> None:
    packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise FetchFailed(
            f"The server sends the recording compressed ({packed[:40]!r}), though Tiro asked for it as it is."
        )


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "with no known status"
