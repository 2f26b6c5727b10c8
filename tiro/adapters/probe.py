"""How long a recording is, from its headers: a few short range reads, whatever its size."""

from __future__ import annotations

import io
import math
import struct
from typing import BinaryIO, cast

from tinytag import TinyTag, TinyTagException

from tiro.adapters.range_file import RangeFile
from tiro.errors import MediaError, TransientError
from tiro.job import Media
from tiro.ports import MediaStore
from tiro.understated import understated

BUDGET = 2 << 20
"""Bytes read at most, of one recording."""

_OGG_PAGE = 27 + 255 + 255 * 255
"""Bytes of the largest page (RFC 3533, section 6)."""

_MP3_FRAME = 2048
"""Bytes that hold the largest frame of MP3, 1441, and padding before it."""

_MP3_TAGS = 64 * 1024
"""Bytes of tags that may follow an MP3 (ID3v1, APE, Lyrics3)."""

_UNCOMPRESSED = ("audio/wav", "audio/aiff", "audio/x-aiff")


class HeaderReader:
    """ports.MediaReader over `tinytag`.

    What is damaged, hostile, gone or of an unknown kind has no duration here: the worker will say what is wrong
    with it. Raises TransientError alone, when the store did not answer.
    """

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    def duration(self, media: Media) -> float | None:
        if not media.size:
            return None
        with RangeFile(self._store, media, budget=BUDGET) as file:
            try:
                seconds = _seconds(file, media.size)
            except TinyTagException as error:
                if isinstance(error.__cause__, TransientError):
                    raise error.__cause__ from None
                return None
            except (MediaError, OSError, ValueError, struct.error):
                return None
        return seconds if seconds and math.isfinite(seconds) and seconds > 0 else None


def _seconds(file: RangeFile, size: int) -> float | None:
    head = file.read(128)
    if head[:1] == b"\xff" and head[1:2] and head[1] & 0xF6 == 0xF0:
        return None  # bare AAC (ADTS) has no length anywhere, and tinytag takes it for a broken MP3
    if head.startswith(b"OggS") and head[28:].startswith((b"OpusHead", b"\x01vorbis")):
        return _ogg_seconds(head, file)
    if understated(file, size):
        return None  # the header is wrong, as one is whose recorder crashed
    file.seek(0)
    tag = TinyTag.get(file_obj=cast(BinaryIO, file), tags=False)
    if tag.mime_type == "audio/mpeg" and not _states_frames(tag, file, size):
        return None
    if tag.duration and tag.bitrate and (tag.mime_type or "").startswith(_UNCOMPRESSED):
        # Whoever wrote it into a pipe did not know its length, and named the largest there is.
        return min(tag.duration, size * 8 / (tag.bitrate * 1000))
    return tag.duration


def _states_frames(tag: TinyTag, file: RangeFile, size: int) -> bool:
    """Whether an MP3 says in its first frame how many there are, and of about this file. tinytag estimates otherwise.

    A file longer than its first frame says was joined of several (the rule of FFmpeg's `mp3dec.c`: a sixteenth).
    """
    file.seek(0)
    head = file.read(10)
    start = 0
    if head.startswith(b"ID3"):  # ID3v2.4.0, section 3.1: seven bits of each byte count
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    file.seek(start)
    first = file.read(_MP3_FRAME)
    if not any(mark in first for mark in (b"Xing", b"Info", b"VBRI")) or not tag.duration or not tag.bitrate:
        return False
    stated = tag.bitrate * 1000 / 8 * tag.duration
    return size - start <= stated * 17 / 16 + _MP3_TAGS


def _ogg_seconds(head: bytes, file: RangeFile) -> float | None:
    """Return seconds of Opus or Vorbis: tinytag would walk through every page, and here the last one will do.

    Sources: RFC 3533 (pages), RFC 7845 sections 4 and 5.1 (Opus), Vorbis I section 4.2.2 (identification header).
    """
    if head.startswith(b"OpusHead", 28):
        rate, skipped = 48_000, int.from_bytes(head[38:40], "little")
    else:
        rate, skipped = int.from_bytes(head[40:44], "little"), 0
    file.seek(max(0, file.seek(0, io.SEEK_END) - _OGG_PAGE))
    tail = file.read()
    last = tail.rfind(b"OggS")
    samples, serial = struct.unpack_from("<qI", tail, last + 6)
    if last < 0 or serial != int.from_bytes(head[14:18], "little") or not rate:
        return None
    return float(samples - skipped) / rate
