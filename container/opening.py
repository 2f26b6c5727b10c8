"""Opens a recording with FFmpeg: its content says what it is; its name only where the content says nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import av

from container.media_formats import DECODER_WHITELIST, DEMUXER_WHITELIST
from container.raw_formats import BY_EXTENSION, RawFormat

RULES = {
    "format_whitelist": DEMUXER_WHITELIST,
    "codec_whitelist": DECODER_WHITELIST,
    "protocol_whitelist": "none",
}
"""What FFmpeg may use: no other demuxer, no decoder of pictures even to look at a stream, no other file or address."""


def open_media(file: Any, hint: str | None, check: Callable[[Exception], None]) -> tuple[Any, str | None] | None:
    """Return the open container, and what the hint said where it decided; None when FFmpeg cannot read the file.

    `hint` is an extension from `raw_formats.raw_hint`. `check` is given FFmpeg's error, and raises what is not the
    file's fault.
    """
    raw = BY_EXTENSION.get(hint or "")
    for attempt in (None, raw) if raw else (None,):
        file.seek(0, io.SEEK_SET)
        try:
            return _open(file, attempt), attempt.title if attempt else None
        except av.FFmpegError as error:
            check(error)
    return None


def _open(file: Any, raw: RawFormat | None) -> Any:
    return av.open(
        file,
        format=raw.demuxer if raw else None,
        options=dict(raw.options) if raw else None,
        container_options=RULES,
        metadata_errors="replace",
    )
