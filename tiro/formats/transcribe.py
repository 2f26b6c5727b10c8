"""What Amazon Transcribe writes into a bucket, down to its numbers, which are strings.

Source: Amazon Transcribe developer guide, "Data input and output" and "Channel identification". Amazon lists words
one by one. Where a transcript has only segments, a segment's words share its time by their letters and its certainty,
exp(avg_logprob), which is the mean probability of its tokens.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tiro.formats.languages import amazon_code
from tiro.formats.lines import pieces, tidy
from tiro.formats.wishes import NO_WISHES, Wishes
from tiro.language import is_spaced
from tiro.transcript import Segment, Transcript, Word

_OPENERS = "\"'“‘«‹([{（［｛「『【《〈¿¡–—"
_ENDERS = "\"'”’»›)]}）］｝」』】》〉.,!?;:…。、，．！？；：؟،؛۔।॥-–—"
_UNBOUNDED = 1 << 30  # columns: cut where a line may end, and nowhere else
_NO_CONFIDENCE = "0.0"  # what Amazon says of every punctuation mark


@dataclass(frozen=True)
class _Stretch:
    """A segment, and the items that it becomes."""

    segment: Segment
    items: list[dict[str, Any]]


def transcribe(transcript: Transcript, wishes: Wishes = NO_WISHES) -> str:
    """Return the JSON of a completed job, named and owned as `wishes` says."""
    stretches = list(_stretches(transcript, with_spaces=wishes.task == "translate" or is_spaced(transcript.language)))
    items = [item for stretch in stretches for item in stretch.items]
    results: dict[str, Any] = {"transcripts": [{"transcript": transcript.text.strip()}]}
    if not transcript.no_speech:
        results["language_code"] = amazon_code(transcript.language)
    if transcript.language_probability is not None:
        score = _number(transcript.language_probability, 4)
        results["language_identification"] = [{"score": score, "code": amazon_code(transcript.language)}]
    if any(stretch.segment.channel for stretch in stretches):
        results["channel_labels"] = _channels(stretches)
    results |= {"items": items, "audio_segments": [_audio_segment(i, s) for i, s in enumerate(stretches)]}
    job = {"jobName": wishes.job_name, "accountId": wishes.account_id, "status": "COMPLETED", "results": results}
    return json.dumps(job, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _stretches(transcript: Transcript, *, with_spaces: bool) -> Iterator[_Stretch]:
    labels = _labels(transcript)
    number = 0
    for segment in transcript.segments:
        items = []
        for word in _words(segment, with_spaces):
            for item in _items(word):
                label = {"channel_label": labels[segment.channel]} if segment.channel else {}
                items.append({"id": number, **item, **label})
                number += 1
        yield _Stretch(segment, items)


def _labels(transcript: Transcript) -> dict[str, str]:
    """Amazon knows channels by number, in the order of the file: ours are named in that order."""
    names = sorted({segment.channel for segment in transcript.segments if segment.channel})
    return {name: f"ch_{number}" for number, name in enumerate(names)}


def _words(segment: Segment, with_spaces: bool) -> Iterator[Word]:
    if segment.words:
        yield from segment.words
        return
    text = tidy(segment.text)
    said = text.split() if with_spaces else [piece.strip() for piece in pieces(text, _UNBOUNDED)]
    letters = sum(map(len, said)) or 1
    confidence = min(1.0, math.exp(segment.avg_logprob))
    a_letter = (segment.end - segment.start) / letters
    begun = 0
    for word in said:
        start, end = segment.start + begun * a_letter, segment.start + (begun + len(word)) * a_letter
        yield Word(start=start, end=end, text=word, probability=confidence)
        begun += len(word)


def _items(word: Word) -> Iterator[dict[str, Any]]:
    """A word is one item, and each mark around it another, without times."""
    said = tidy(word.text)
    rest = said.lstrip(_OPENERS)
    content = rest.rstrip(_ENDERS)
    yield from map(_mark, said[: len(said) - len(rest)])
    if content:
        alternative = {"confidence": _number(word.probability), "content": content}
        times = {"start_time": _number(word.start), "end_time": _number(word.end)}
        yield {"type": "pronunciation", "alternatives": [alternative], **times}
    yield from map(_mark, rest[len(content) :])


def _mark(content: str) -> dict[str, Any]:
    return {"type": "punctuation", "alternatives": [{"confidence": _NO_CONFIDENCE, "content": content}]}


def _audio_segment(number: int, stretch: _Stretch) -> dict[str, Any]:
    segment = stretch.segment
    label = {"channel_label": stretch.items[0]["channel_label"]} if segment.channel and stretch.items else {}
    return {
        "id": number,
        "transcript": tidy(segment.text),
        "start_time": _number(segment.start),
        "end_time": _number(segment.end),
        **label,
        "items": [item["id"] for item in stretch.items],
    }


def _channels(stretches: list[_Stretch]) -> dict[str, Any]:
    by_label: dict[str, list[dict[str, Any]]] = {}
    for item in (item for stretch in stretches for item in stretch.items if "channel_label" in item):
        by_label.setdefault(item["channel_label"], []).append(item)
    channels = [{"channel_label": label, "items": by_label[label]} for label in sorted(by_label)]
    return {"channels": channels, "number_of_channels": len(channels)}


def _number(value: float, digits: int = 3) -> str:
    """Return a number as Amazon writes one: "4.86", "1.0"."""
    return str(round(float(value), digits))
