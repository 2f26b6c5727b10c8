"""The shapes that OpenAI's audio API answers in.

Source: openai/openai-openapi 2.3.0, CreateTranscriptionResponseJson and -VerboseJson; their tests parse ours with
the models of OpenAI's own SDK. Two fields of a segment are in no transcript of ours, and are as empty as they may
be: `seek` is 0 and `tokens` is [].
"""

from __future__ import annotations

import json
import math
from typing import Any

from tiro.formats.languages import english_name
from tiro.formats.lines import tidy
from tiro.formats.wishes import NO_WISHES, Wishes
from tiro.language import is_spaced
from tiro.transcript import Segment, Transcript


def text(transcript: Transcript) -> str:
    """Return the whole text, and the newline that OpenAI ends it with."""
    return f"{transcript.text.strip()}\n"


def brief_json(transcript: Transcript) -> str:
    """Return what OpenAI calls `json`: the text and the usage."""
    return _dump({"text": transcript.text.strip(), "usage": _usage(transcript)})


def verbose_json(transcript: Transcript, wishes: Wishes = NO_WISHES) -> str:
    """Return segments unless only words are wished for, and words, without probabilities, only when they are."""
    written = "en" if wishes.task == "translate" else transcript.language
    answer: dict[str, Any] = {
        "task": wishes.task,
        "language": english_name(written),
        "duration": transcript.duration,
        "text": transcript.text.strip(),
    }
    if "word" in wishes.granularities:
        words = (word for segment in transcript.segments for word in segment.words)
        answer["words"] = [{"word": tidy(w.text), "start": w.start, "end": w.end} for w in words]
    if "segment" in wishes.granularities or not wishes.granularities:
        before = " " if is_spaced(written) else ""  # so that segments, joined, are the text
        answer["segments"] = [_segment(i, s, before) for i, s in enumerate(transcript.segments)]
    return _dump({**answer, "usage": _usage(transcript)})


def _segment(number: int, segment: Segment, before: str) -> dict[str, Any]:
    return {
        "id": number,
        "seek": 0,
        "start": segment.start,
        "end": segment.end,
        "text": before + segment.text,
        "tokens": [],
        "temperature": segment.temperature,
        "avg_logprob": segment.avg_logprob,
        "compression_ratio": segment.compression_ratio,
        "no_speech_prob": segment.no_speech_prob,
    }


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(transcript.duration)}


def _dump(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, allow_nan=False)
