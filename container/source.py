"""The bytes of a recording, as FFmpeg is given them."""

from __future__ import annotations

import io
from typing import BinaryIO

from tiro.understated import understated


class Source:
    """A file that remembers the error of a read, since FFmpeg may take one for the end of the file.

    Where a header says less than the file holds, FFmpeg reads a correct one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: BaseException | None = None
        self.size = 0  # bytes, once it is looked at
        self._patches: dict[int, bytes] = {}
        self.seek, self.tell = file.seek, file.tell

    def correct(self) -> None:
        """Look at the header, and correct it where it is wrong. Raises what the file raises."""
        self.size = self._file.seek(0, io.SEEK_END)
        self._patches = understated(self._file, self.size)
        self._file.seek(0)

    @property
    def is_corrected(self) -> bool:
        """Whether the header was wrong."""
        return bool(self._patches)

    def read(self, size: int) -> bytes:
        at = self._file.tell() if self._patches else 0
        try:
            data = self._file.read(size)
        except BaseException as error:
            self._error = error
            raise
        for start, patch in self._patches.items():
            for place, byte in enumerate(patch, start - at):
                if 0 <= place < len(data):
                    data = data[:place] + bytes([byte]) + data[place + 1 :]
        return data

    def check(self) -> None:
        """Raise what a read raised."""
        if self._error is not None:
            raise self._error
