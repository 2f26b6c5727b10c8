"""A media store over a folder: recordings on a disk, read in ranges as S3's are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tiro.errors import MediaNotFound
from tiro.job import Media
from tiro.ports import MediaInfo
from tiro.request import S3Object
from tiro.upload import Upload


class LocalFiles:
    """Implements MediaStore; a key is a path inside the folder. Keeps count of its reads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.reads: list[tuple[int, int]] = []  # each range that was asked for

    def media(self, key: str) -> Media:
        return self.head(S3Object(bucket="disk", key=key)).media

    def head(self, source: S3Object, version: str | None = None) -> MediaInfo:
        try:
            size = (self._folder / source.key).stat().st_size
        except OSError:
            raise MediaNotFound(f"There is no {source.key}.") from None
        return MediaInfo(Media(bucket=source.bucket, key=source.key, size=size))

    def read(self, media: Media, start: int, end: int) -> bytes:
        self.reads.append((start, end))
        try:
            with (self._folder / media.key).open("rb") as file:
                file.seek(start)
                return file.read(end - start)
        except OSError:
            raise MediaNotFound(f"There is no {media.key}.") from None

    def erase(self, source: S3Object) -> None:
        raise MediaNotFound("What lies in a folder is not ours.")

    def keep(self, key: str, body: bytes, *, content_type: str | None) -> Media:
        raise MediaNotFound("A folder takes no uploads.")

    def presign_upload(self, key: str, *, content_type: str | None, size: int | None, seconds: int) -> Upload:
        raise MediaNotFound("A folder takes no uploads.")

    def keys(self, prefix: S3Object, *, after: str | None, limit: int) -> tuple[Sequence[str], bool]:
        raise MediaNotFound("A folder is not listed.")

    def lend(self, media: Media, *, content_type: str, seconds: int) -> str:
        raise MediaNotFound("A folder has no addresses.")
