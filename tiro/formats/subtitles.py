"""SubRip and WebVTT: the same cues in two notations."""

from __future__ import annotations

import re

from tiro.formats.cues import cues
from tiro.formats.lines import tidy
from tiro.formats.rules import DEFAULT_RULES, Rules
from tiro.transcript import Transcript


def srt(transcript: Transcript, rules: Rules = DEFAULT_RULES) -> str:
    """Return SubRip. No standard defines it: this is what players agree on, hours always and a decimal comma."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_srt_text(cue.lines)}\n\n"
        for number, cue in enumerate(cues(transcript, rules), start=1)
    )


def vtt(transcript: Transcript, rules: Rules = DEFAULT_RULES) -> str:
    """Return WebVTT (W3C, "WebVTT file structure")."""
    blocks = (
        f"\n{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_voice(cue.voice)}{_escaped(cue.lines)}\n"
        for cue in cues(transcript, rules)
    )
    return "WEBVTT\n" + "".join(blocks)


def _clock(milliseconds: int, point: str) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _srt_text(lines: tuple[str, ...]) -> str:
    # SubRip has no escapes, and an arrow in the text would read as a time. "--->" holds one too.
    return re.sub(r"-{2,}>", "->", "\n".join(lines))


def _escaped(lines: tuple[str, ...]) -> str:
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _voice(name: str | None) -> str:
    # Its end tag may be left out of a cue that is all in one voice (W3C, "WebVTT cue voice span").
    return f"<v {_escaped((tidy(name),))}>" if name and tidy(name) else ""
