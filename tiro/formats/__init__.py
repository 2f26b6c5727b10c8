"""The shapes a transcript is read in. Pure: one stored transcript in, one text out, nothing kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tiro.formats.openai import brief_json, text, verbose_json
from tiro.formats.plain import json, txt
from tiro.formats.rules import DEFAULT_RULES, Rules
from tiro.formats.subtitles import srt, vtt
from tiro.formats.table import tsv
from tiro.formats.transcribe import transcribe
from tiro.formats.wishes import NO_WISHES, Granularity, Wishes
from tiro.transcript import Transcript

__all__ = ["DEFAULT_RULES", "FORMATS", "OPENAI_FORMATS", "Format", "Granularity", "Rules", "Wishes", "render"]


@dataclass(frozen=True)
class Format:
    """One way to write a transcript down."""

    name: str  # what `format=` and `--format` call it
    extension: str  # of a file, without the dot
    media_type: str  # without parameters; the text is always UTF-8
    write: Callable[[Transcript, Wishes], str]

    def render(self, transcript: Transcript, wishes: Wishes = NO_WISHES) -> str:
        return self.write(transcript, wishes)

    @property
    def content_type(self) -> str:
        """The `Content-Type` header; unless told, a browser takes plain text for Latin-1."""
        return f"{self.media_type}; charset=utf-8"


_SRT = Format("srt", "srt", "application/x-subrip", lambda t, wishes: srt(t, wishes.rules))
_VTT = Format("vtt", "vtt", "text/vtt", lambda t, wishes: vtt(t, wishes.rules))
_VERBOSE = Format("verbose_json", "json", "application/json", verbose_json)

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("txt", "txt", "text/plain", lambda t, _: txt(t)),
        Format("json", "json", "application/json", lambda t, _: json(t)),
        _SRT,
        _VTT,
        Format("tsv", "tsv", "text/tab-separated-values", lambda t, _: tsv(t)),
        _VERBOSE,
        Format("transcribe", "json", "application/json", transcribe),
    )
}
"""Tiro's, by name. Of two with one extension or media type, the first is what a reader means by it."""

OPENAI_FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("json", "json", "application/json", lambda t, _: brief_json(t)),
        Format("text", "txt", "text/plain", lambda t, _: text(t)),
        _SRT,
        _VERBOSE,
        _VTT,
    )
}
"""OpenAI's, by what its `response_format` calls them: `json` is another there."""


def render(transcript: Transcript, name: str, rules: Rules = DEFAULT_RULES) -> str:
    """Return a transcript in one of FORMATS, its subtitles by these rules. Raises KeyError for another name."""
    return FORMATS[name].render(transcript, Wishes(rules=rules))
