"""The shapes a transcript is read in. Pure: one stored transcript in, one text out, nothing kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tiro.formats.plain import json, txt
from tiro.formats.subtitles import srt, vtt
from tiro.transcript import Transcript


@dataclass(frozen=True)
class Format:
    """One way to write a transcript down."""

    name: str  # what `format=` and `--format` call it
    extension: str  # of a file, without the dot
    media_type: str  # without parameters; the text is always UTF-8
    render: Callable[[Transcript], str]

    @property
    def content_type(self) -> str:
        """The `Content-Type` header; unless told, a browser takes plain text for Latin-1."""
        return f"{self.media_type}; charset=utf-8"


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("txt", "txt", "text/plain", txt),
        Format("json", "json", "application/json", json),
        Format("srt", "srt", "application/x-subrip", srt),
        Format("vtt", "vtt", "text/vtt", vtt),
    )
}
