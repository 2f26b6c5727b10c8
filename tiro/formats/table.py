"""A line per segment with its times, for spreadsheets and scripts."""

from __future__ import annotations

from tiro.formats.lines import tidy
from tiro.transcript import Transcript


def tsv(transcript: Transcript) -> str:
    """Return start and end in whole milliseconds, and the text (openai/whisper, utils.py: WriteTSV)."""
    rows = (f"{round(1000 * s.start)}\t{round(1000 * s.end)}\t{tidy(s.text)}\n" for s in transcript.segments)
    return "start\tend\ttext\n" + "".join(rows)
