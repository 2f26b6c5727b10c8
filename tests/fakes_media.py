"""Recordings in memory: buckets that keep every version, and what is known of what lies in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes import FakeClock
from tiro.errors import MediaNotFound
from tiro.job import Media
from tiro.ports import MediaInfo
from tiro.request import S3Object
from tiro.upload import Upload


@dataclass(frozen=True)
class StoredObject:
    """One version of an object; `body` is None for a delete marker."""

    body: bytes | None
    version: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "binary/octet-stream"

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()}"'


class FakeMediaStore:
    """Buckets that keep every version. `put`, `tag` and `delete` are what the world does to them."""

    def __init__(self, clock: FakeClock, bucket: str = "media") -> None:
        self.bucket = bucket
        self.reads: list[tuple[int, int]] = []  # every range that was asked for
        self._clock = clock
        self._objects: dict[tuple[str, str], list[StoredObject]] = {}  # oldest first

    def put(
        self,
        key: str,
        body: bytes,
        *,
        bucket: str | None = None,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "binary/octet-stream",
    ) -> str:
        """Write an object; return its version."""
        return self._append(bucket, key, body, metadata or {}, content_type)

    def tag(self, key: str, tags: Mapping[str, str], *, bucket: str | None = None) -> None:
        versions = self._objects[bucket or self.bucket, key]
        last = versions[-1]
        versions[-1] = StoredObject(
            last.body, last.version, {**_lower(last.metadata), **_lower(tags)}, last.content_type
        )

    def delete(self, key: str, *, bucket: str | None = None) -> None:
        self._append(bucket, key, None, {}, "")

    def _append(
        self, bucket: str | None, key: str, body: bytes | None, metadata: Mapping[str, str], content_type: str
    ) -> str:
        versions = self._objects.setdefault((bucket or self.bucket, key), [])
        versions.append(StoredObject(body, f"v{len(versions) + 1}", metadata, content_type))
        return versions[-1].version

    def head(self, source: S3Object, version: str | None = None) -> MediaInfo:
        found = self._find(source.bucket, source.key, version)
        if found is None or found.body is None:
            raise MediaNotFound
        metadata = _lower(found.metadata)
        media = Media(
            bucket=source.bucket,
            key=source.key,
            version=found.version,
            etag=found.etag,
            size=len(found.body),
            content_type=found.content_type,
            name=metadata.get("name") or source.key.rsplit("/", 1)[-1] or None,
        )
        return MediaInfo(media=media, metadata=metadata)

    def read(self, media: Media, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        found = self._find(media.bucket, media.key)
        if found and found.body is not None and media.etag and found.etag != media.etag:
            found = self._find(media.bucket, media.key, media.version) if media.version else None
        if found is None or found.body is None:
            raise MediaNotFound
        return found.body[start:end]

    def _find(self, bucket: str, key: str, version: str | None = None) -> StoredObject | None:
        versions = self._objects.get((bucket, key), [])
        return next((v for v in reversed(versions) if version in (None, v.version)), None)

    def keys(self, prefix: S3Object, *, after: str | None, limit: int) -> tuple[Sequence[str], bool]:
        there = (
            key
            for (bucket, key), versions in self._objects.items()
            if bucket == prefix.bucket and versions[-1].body is not None
        )
        found = sorted(key for key in there if key.startswith(prefix.key) and key > (after or ""))
        return found[:limit], len(found) > limit

    def erase(self, source: S3Object) -> None:
        self._objects.pop((source.bucket, source.key), None)

    def keep(self, key: str, body: bytes, *, content_type: str | None) -> Media:
        version = self.put(key, body, content_type=content_type or "binary/octet-stream")
        found = self.head(S3Object(bucket=self.bucket, key=key), version).media
        return found.model_copy(update={"content_type": content_type, "name": None})

    def lend(self, media: Media, *, content_type: str, seconds: int) -> str:
        return f"https://{media.bucket}.test/{media.key}?versionId={media.version}&type={content_type}&for={seconds}"

    def presign_upload(self, key: str, *, content_type: str | None, size: int | None, seconds: int) -> Upload:
        headers = {"Content-Type": content_type, "Content-Length": None if size is None else str(size)}
        return Upload(
            method="PUT",
            url=f"https://{self.bucket}.test/{key}",
            headers={name: value for name, value in headers.items() if value is not None},
            expires_at=self._clock.now() + timedelta(seconds=seconds),
        )


def _lower(values: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in values.items()}


class FakeMediaReader:
    """Knows the durations it is told, by key."""

    def __init__(self, durations: Mapping[str, float] | None = None) -> None:
        self.durations = dict(durations or {})

    def duration(self, media: Media) -> float | None:
        return self.durations.get(media.key)
