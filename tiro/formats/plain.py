"""The transcript as itself, and the transcript as plain reading."""

from __future__ import annotations

from tiro.formats.lines import tidy
from tiro.transcript import Transcript


def json(transcript: Transcript) -> str:
    """Return the canonical transcript, all of it, as it is stored."""
    return transcript.model_dump_json(indent=2) + "\n"


def txt(transcript: Transcript) -> str:
    """Return one line per segment, each ended by a newline; nothing at all where nothing was said.

    Joining segments into paragraphs would need to know, for each script, what stands between two sentences.
    A line needs to know nothing, and can be searched, compared and counted.
    """
    return "".join(f"{line}\n" for segment in transcript.segments if (line := tidy(segment.text)))
