"""What fetching a `url` needs: somebody's server, a place for the parts, a memory from round to round."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tiro.fetch import Fetch
from tiro.message import FetchMessage


class Stream(Protocol):
    """A recording that a server sends."""

    @property
    def offset(self) -> int:
        """Where in the recording it begins: 0, though another place was asked for, when the server has it otherwise."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes of the whole recording, where the server says so."""
        ...

    @property
    def tag(self) -> str | None:
        """Names what the server has, so that it can be asked to go on with that very thing."""
        ...

    @property
    def content_type(self) -> str | None: ...

    @property
    def host(self) -> str:
        """The server that answers, after all redirects."""
        ...

    @property
    def status(self) -> int:
        """Its HTTP status: 200 or 206."""
        ...

    @property
    def name(self) -> str | None:
        """What the server calls the file."""
        ...

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end. Raises PeerUnavailable."""
        ...


class Web(Protocol):
    """Other people's servers, as far as they may be reached."""

    def open(self, url: str, *, offset: int, tag: str | None) -> AbstractContextManager[Stream]:
        """Ask for a recording from `offset` on, if it is what `tag` names; else it begins at 0.

        Raises AddressRefused, FetchFailed when the server says no or does not speak HTTP, PeerUnavailable when asking
        again may help. So does what is read from it.
        """
        ...


@dataclass(frozen=True)
class Part:
    """One part of an object that comes in parts. `number` counts from 1."""

    number: int
    etag: str
    size: int  # bytes


class PartStore(Protocol):
    """Recordings that come in parts, on their way into the bucket where uploads go.

    Each method but `begin` raises NoUploadOpen when the upload is over, or never was.
    """

    def begin(self, key: str, *, content_type: str | None) -> str:
        """Return an id for the upload."""
        ...

    def put(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Write a part, over an earlier one of its number; return its ETag."""
        ...

    def parts(self, key: str, upload_id: str) -> Sequence[Part]:
        """Return what has come, by number."""
        ...

    def presign(self, key: str, upload_id: str, number: int, *, size: int, seconds: int) -> str:
        """Return a URL to which a part of exactly `size` bytes may be PUT."""
        ...

    def complete(self, key: str, upload_id: str, etags: Sequence[str]) -> None:
        """Make the object of parts 1, 2, 3…; once more is no error. Raises InvalidRequest when they are not so."""
        ...

    def abandon(self, key: str, upload_id: str) -> None:
        """Throw the parts away; it is no error when there are none."""
        ...


class FetchStore(Protocol):
    """How far each fetch is."""

    def get(self, job_id: str) -> Fetch | None: ...

    def save(self, before: Fetch, after: Fetch) -> None:
        """Store `after`, if `before` is still what is stored. Raises Conflict."""
        ...

    def forget(self, job_id: str) -> None: ...

    def silent(self, before: datetime, limit: int) -> Sequence[Fetch]:
        """Return fetches that nobody has held since then, and whose message was sent before then."""
        ...


class FetchQueue(Protocol):
    """What is to be fetched. At least once, in no order."""

    def send(self, message: FetchMessage, *, owner: str, delay_seconds: int = 0) -> None:
        """`delay_seconds` is at most 900."""
        ...
