"""How a recording is sent: as one request, or, when it is large, in parts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tiro.stored import StoredModel as _Model

MULTIPART_FROM = 100_000_000
"""Bytes. A request that breaks off begins anew; of a part, only the part does."""

PART_BYTES = 16 << 20
"""S3 takes 5 MiB to 5 GiB for a part, and 10,000 of them."""

MOST_URLS = 100
"""Part addresses in one answer: some 100 kB."""


class Parts(_Model):
    """How a large upload comes: in parts of one size, the last one the rest."""

    upload_id: str  # S3's
    whole: int  # bytes of the recording
    size: int = PART_BYTES  # bytes of a part

    @property
    def count(self) -> int:
        return -(-self.whole // self.size)

    def size_of(self, number: int) -> int:
        """Return the bytes of a part; they count from 1."""
        return min(self.size, self.whole - (number - 1) * self.size)


class PartUrl(_Model):
    """Where one part is to be PUT, with no other header than its length."""

    number: int
    size: int  # bytes, exactly
    url: str


class Multipart(_Model):
    """The recording is cut into `parts` pieces of `part_size` bytes, the last one the rest.

    PUT each to its address and keep the `ETag` of the answer. Further addresses, or new ones for those that
    expired, come from POST …/upload/parts; when all are sent, POST …/upload/complete.
    """

    part_size: int  # bytes
    parts: int
    urls: tuple[PartUrl, ...]  # of the first parts; of all, when there are no more than a hundred


class Upload(_Model):
    """What brings the recording: one HTTP request, to be sent exactly so, or, with `multipart`, several."""

    method: str
    url: str | None  # null with `multipart`
    headers: dict[str, str]
    expires_at: datetime  # of the addresses
    multipart: Multipart | None = None


class SentPart(_Model):
    number: int
    size: int  # bytes
    etag: str


class UploadState(_Model):
    """How far an upload in parts is."""

    size: int  # bytes of the recording
    part_size: int
    parts: int
    sent: tuple[SentPart, ...]


class PartUrls(_Model):
    urls: tuple[PartUrl, ...]
    expires_at: datetime


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PartNumbers(_Strict):
    """The body of `POST /v1/transcriptions/{id}/upload/parts`."""

    numbers: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(min_length=1, max_length=MOST_URLS)


class PartTag(_Strict):
    number: int = Field(ge=1, le=10_000)
    etag: str = Field(pattern=r'^"?[0-9a-fA-F-]{32,70}"?$')  # as S3 answered it, with its quotes or without


class Completion(_Strict):
    """The body of `POST /v1/transcriptions/{id}/upload/complete`. Without `parts`: those that S3 has."""

    parts: tuple[PartTag, ...] | None = Field(default=None, max_length=10_000)
