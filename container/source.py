"""The bytes of a recording, as FFmpeg is given them."""

from __future__ import annotations

import io
from typing import BinaryIO

from tiro.understated import is_followed, padded_samples, understated

FOLLOWED = (
    "Another recording follows the first in this file. Only the first was transcribed. Send each as a file of its own."
)


class Source:
    """A file that remembers the error of a read, since FFmpeg may take one for the end of the file.

    Where a header says less than the file holds, or FFmpeg would misread it, FFmpeg is given a correct one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: BaseException | None = None
        self.size = 0  # bytes, once it is looked at
        self.is_corrected = False  # whether the length in the header was wrong
        self.warnings: tuple[str, ...] = ()
        self._patches: dict[int, bytes] = {}
        self.seek, self.tell = file.seek, file.tell

    def correct(self) -> None:
        """Look at the header, and correct it where it is wrong. Raises what the file raises."""
        self.size = self._file.seek(0, io.SEEK_END)
        lengths = understated(self._file, self.size)
        self.is_corrected = bool(lengths)
        if not lengths and is_followed(self._file):
            self.warnings = (FOLLOWED,)
        self._patches = lengths | padded_samples(self._file)
        self._file.seek(0)

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
