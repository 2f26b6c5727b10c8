"""Where recordings and transcripts lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tiro.job import Media
from tiro.request import S3Object
from tiro.transcript import Transcript
from tiro.upload import Upload


@dataclass(frozen=True)
class MediaInfo:
    """What S3 says of an object before it is read."""

    media: Media
    metadata: Mapping[str, str] = field(default_factory=dict)  # user metadata and tags, lower-case names


class MediaStore(Protocol):
    """The recordings."""

    def head(self, source: S3Object, version: str | None = None) -> MediaInfo:
        """Raises MediaNotFound."""
        ...

    def read(self, media: Media, start: int, end: int) -> bytes:
        """Return bytes `start` to `end`, exclusive, of this very version, or as many of them as there are.

        Raises MediaNotFound; also when the object was deleted, though an older version may still lie there.
        """
        ...

    def keys(self, prefix: S3Object, *, after: str | None, limit: int) -> tuple[Sequence[str], bool]:
        """Return up to `limit` keys that begin so, in their order, and whether there are more.

        Raises MediaNotFound where the bucket may not be listed.
        """
        ...

    def erase(self, source: S3Object) -> None:
        """Remove an object for good, every version of it; it is no error when there is none."""
        ...

    def keep(self, key: str, body: bytes, *, content_type: str | None) -> Media:
        """Write a recording that came inside a call, into the bucket where uploads go; return this version of it."""
        ...

    def lend(self, media: Media, *, content_type: str, seconds: int) -> str:
        """Return a URL at which anyone who has it may GET this very version, as what `content_type` says."""
        ...

    def presign_upload(self, key: str, *, content_type: str | None, size: int | None, seconds: int) -> Upload: ...


class TranscriptStore(Protocol):
    """The transcripts."""

    def put(self, key: str, transcript: Transcript) -> None: ...

    def get(self, key: str) -> Transcript:
        """Raises TranscriptUnavailable."""
        ...

    def publish(self, key: str, body: bytes, media_type: str, *, current: Callable[[], bool]) -> bool:
        """Write a rendered copy while `current()` holds, however late; return whether it was written.

        A copy that somebody else wrote after `current()` was asked is never overwritten unasked.
        """
        ...

    def withdraw(self, key: str) -> None:
        """Remove a rendered copy, if there is one."""
        ...

    def erase(self, prefix: str) -> None:
        """Remove everything whose key begins so; it is no error when there is nothing."""
        ...

    def lend(self, key: str, body: bytes, content_type: str, *, seconds: int) -> str:
        """Write a rendered copy for a short while; return a URL at which anyone who has it may GET it."""
        ...


class MediaReader(Protocol):
    """Reads what a recording's headers say, by a few short range reads."""

    def duration(self, media: Media) -> float | None:
        """Return seconds, or None where only decoding can tell."""
        ...
