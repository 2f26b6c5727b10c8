"""Real Whisper on real speech follows a request: names, words, languages, channels, a part; and reports times.

All of it within the limits of tests/tolerance.py, on any CPU.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from container.transcriber import WindowTranscriber
from container.words import longest
from tests.files import LocalFiles
from tests.quality import normalise
from tests.tolerance import COUNT, MOST_WRONG, NEAR, wrong_share
from tiro.ports import SpeechEngine
from tiro.request import Options
from tiro.transcript import Transcript

pytestmark = [pytest.mark.model, pytest.mark.corpus]

Hear = Callable[..., Transcript]

TWO_AT_ONCE = 0.4
"""Share of the words that may be wrong where two people speak at once, each on a channel of their own; it measures
0.05 to 0.21, since a digit counts as wrong for a spelled word."""

ENGLISH = {"best", "hong", "kong", "should", "leave", "island", "and", "the", "opposite", "shore"}
"""Words of a translation of `fleurs-de-000.ogg`, half of which any good one has."""


@pytest.fixture(scope="module")
def hear(real_engine: SpeechEngine, corpus: Path) -> Hear:
    def hear(name: str, **wishes: Any) -> Transcript:
        files = LocalFiles(corpus)
        transcriber = WindowTranscriber(media=files, engine=real_engine)
        return transcriber.transcribe(
            files.media(name), Options(**wishes), max_seconds=3600, on_progress=lambda done, total: None
        )

    return hear


@pytest.fixture(scope="module")
def turns(corpus: Path) -> dict[str, list[dict[str, Any]]]:
    """Who says what from when to when, in the dialogues that were built of known pieces."""
    lines = map(json.loads, (corpus / "manifest.jsonl").read_text("utf-8").splitlines())
    return {line["path"]: line["segments"] for line in lines if "segments" in line}


@pytest.fixture(scope="module")
def said(turns: dict[str, Any]) -> dict[str, str]:
    """What each channel of the two that speak at once says."""
    return dict(turns["dialogue/stereo-en-left-fr-right.flac"]["channels"])


ALLEN = {"start": 47, "end": 61, "language": "en"}
"""The turn in `dlg-lj-libri-mono.opus` in which two names are said."""


@pytest.mark.parametrize(
    ("wishes", "spelled"),
    [
        ({}, False),
        ({"hotwords": ["Katharine"]}, True),
        ({"prompt": "A story of Mrs Allan and Katharine."}, True),
    ],
)
def test_a_name_is_spelled_as_requested(
    hear: Hear, turns: dict[str, Any], wishes: dict[str, Any], spelled: bool
) -> None:
    text = hear("dialogue/dlg-lj-libri-mono.opus", **ALLEN, **wishes).text
    (said,) = [turn["text"] for turn in turns["dialogue/dlg-lj-libri-mono.opus"] if turn["speaker"] == "D"]
    assert ("Katharine" in text) == spelled
    assert wrong_share(said, text) <= MOST_WRONG


def test_a_part_has_the_recordings_clock_and_words_change_no_word(hear: Hear) -> None:
    coarse, fine = (hear("dialogue/dlg-lj-libri-mono.opus", **ALLEN, words=words) for words in (False, True))
    assert coarse.text == fine.text
    assert fine.segments[0].start == pytest.approx(47.06, abs=NEAR)
    words = [word for segment in fine.segments for word in segment.words]
    assert " ".join(word.text for word in words) == fine.text
    assert all(47 <= a.start <= a.end <= b.start <= b.end <= 61 for a, b in pairwise(words))
    assert all(word.end - word.start <= longest(word.text) for word in words)
    assert not any(segment.words for segment in coarse.segments)


@pytest.mark.parametrize("name", ["dlg-lj-spk1-mono.opus", "dlg-lj-spk1-stereo.flac", "dlg-lj-libri-mono.opus"])
def test_a_segment_begins_when_somebody_begins(hear: Hear, turns: dict[str, Any], name: str) -> None:
    starts = [segment.start for segment in hear(f"dialogue/{name}", words=True).segments]
    late = {turn["text"]: min(abs(turn["start"] - start) for start in starts) for turn in turns[f"dialogue/{name}"]}
    assert len({text: round(by, 2) for text, by in late.items() if by > NEAR}) <= 1, late


@pytest.mark.parametrize("words", [False, True])
def test_speech_after_a_long_silence_begins_when_it_does(hear: Hear, words: bool) -> None:
    assert hear("awkward/speech-after-90s-silence.flac", words=words).segments[0].start == pytest.approx(90.3, abs=NEAR)


@pytest.mark.parametrize("words", [False, True])
def test_a_phrase_said_twenty_times_is_written_about_twenty_times(hear: Hear, words: bool) -> None:
    """tests/container/test_transcriber.py counts exactly, with a stub engine."""
    text = hear("awkward/phrase-repeated-20x.mp3", language="en", words=words).text
    assert normalise(text, "en").count("eighteen thirteen") == pytest.approx(20, abs=COUNT)


def test_channels_that_speak_at_once_are_both_understood(hear: Hear, said: dict[str, Any]) -> None:
    transcript = hear("dialogue/stereo-en-left-fr-right.flac", channels="separate")
    assert {(segment.channel, segment.language) for segment in transcript.segments} == {("left", "en"), ("right", "fr")}
    for channel, language in (("left", "en"), ("right", "fr")):
        heard = " ".join(segment.text for segment in transcript.segments if segment.channel == channel)
        assert wrong_share(said[channel], heard, language) <= TWO_AT_ONCE


def test_two_speakers_are_told_apart_by_their_channels(hear: Hear, turns: dict[str, Any]) -> None:
    transcript = hear("dialogue/dlg-lj-spk1-stereo.flac", channels="separate", language="en")
    for channel, speaker in (("left", "A"), ("right", "B")):
        heard = " ".join(segment.text for segment in transcript.segments if segment.channel == channel)
        said = " ".join(t["text"] for t in turns["dialogue/dlg-lj-spk1-stereo.flac"] if t["speaker"] == speaker)
        assert wrong_share(said, heard) <= MOST_WRONG


def test_a_recording_in_two_languages_is_written_in_both(hear: Hear) -> None:
    """English up to about 30 s, then German: nine tenths of the text before and after are in their language."""
    segments = hear("speech/fw-multilingual.mp3", multilingual=True).segments
    for language, start, end in (("en", 0, 29), ("de", 32, 60)):
        inside = [segment for segment in segments if start <= segment.start and segment.end <= end]
        letters = sum(len(segment.text) for segment in inside)
        assert letters > 100
        assert sum(len(segment.text) for segment in inside if segment.language == language) >= 0.9 * letters


def test_what_is_said_in_german_is_written_in_english(hear: Hear) -> None:
    transcript = hear("speech/fleurs-de-000.ogg", task="translate")
    assert transcript.language == "de"
    words = set(normalise(transcript.text, "en").split())
    assert len(words & ENGLISH) >= len(ENGLISH) / 2, transcript.text
    assert transcript.language_probability
    assert transcript.language_probability > 0.9
