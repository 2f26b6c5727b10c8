"""Which recording it was that was heard: the SHA-256 of its bytes.

Decoding reads a container here and there, some of it twice and some never, so the bytes are read once more, straight
on and beside the hearing: in S3's own region that costs a request for each piece and nothing for what it brings.
"""

from __future__ import annotations

import hashlib
import threading
from types import TracebackType
from typing import Self

from tiro.errors import TiroError
from tiro.job import Media
from tiro.ports import MediaStore

PIECE = 8 * 1024**2
"""Bytes of one read: a ten-minute MP3 is one, and more would only be more memory."""


class Fingerprint:
    """A context in which a thread reads the recording; leaving it early stops the thread at its next piece."""

    def __init__(self, store: MediaStore, media: Media) -> None:
        self._store, self._media = store, media
        self._hash = hashlib.sha256()
        self._whole = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._read, name="fingerprint", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._left.set()
        self._thread.join()

    def sha256(self) -> str | None:
        """Return it in hexadecimal, when all is read. None if the recording could not be read to its end."""
        self._thread.join()
        return self._hash.hexdigest() if self._whole else None

    def _read(self) -> None:
        size = self._media.size or 0
        try:
            for start in range(0, size, PIECE):
                if self._left.is_set():
                    return
                self._hash.update(self._store.read(self._media, start, min(start + PIECE, size)))
        except TiroError:
            return  # whether the job can go on without these bytes, whoever hears it will find out
        self._whole = True
