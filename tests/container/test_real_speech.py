"""Real Whisper on real speech does as it is told: names, words, languages, channels, a part; and tells when."""

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
from tests.quality import count_errors
from tiro.ports import SpeechEngine
from tiro.request import Options
from tiro.transcript import Transcript

pytestmark = [pytest.mark.model, pytest.mark.corpus]

Hear = Callable[..., Transcript]

NEAR = 0.5
"""Seconds that a segment may begin before or after somebody does."""


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


@pytest.mark.parametrize(
    ("wishes", "name", "said"),
    [
        ({}, "Mrs. Allen said", "Catherine"),
        ({"hotwords": ["Katharine"]}, "Mrs. Allen said", "Katharine"),
        ({"prompt": "A story of Mrs Allan and Katharine."}, "Mrs Allan said", "Katharine"),
    ],
)
def test_a_name_is_spelled_as_it_is_told(hear: Hear, wishes: dict[str, Any], name: str, said: str) -> None:
    text = hear("dialogue/dlg-lj-libri-mono.opus", start=47, end=61, language="en", **wishes).text
    assert text.replace(",", "").startswith(f"{name} {said} the next morning")


def test_a_part_has_the_recordings_clock_and_words_change_no_word(hear: Hear) -> None:
    part: dict[str, Any] = {"start": 47, "end": 61, "language": "en"}
    coarse, fine = (hear("dialogue/dlg-lj-libri-mono.opus", **part, words=words) for words in (False, True))
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
    assert {text: round(by, 2) for text, by in late.items() if by > NEAR} == {}


@pytest.mark.parametrize("words", [False, True])
def test_speech_after_a_long_silence_begins_when_it_does(hear: Hear, words: bool) -> None:
    assert hear("awkward/speech-after-90s-silence.flac", words=words).segments[0].start == pytest.approx(90.3, abs=NEAR)


@pytest.mark.parametrize("words", [False, True])
def test_a_phrase_said_twenty_times_is_written_twenty_times(hear: Hear, words: bool) -> None:
    assert hear("awkward/phrase-repeated-20x.mp3", language="en", words=words).text.count("1813") == 20


def test_channels_that_speak_at_once_are_both_understood(hear: Hear) -> None:
    transcript = hear("dialogue/stereo-en-left-fr-right.flac", channels="separate")
    assert {(segment.channel, segment.language) for segment in transcript.segments} == {("left", "en"), ("right", "fr")}
    left = " ".join(segment.text for segment in transcript.segments if segment.channel == "left")
    words, wrong = count_errors("however due to the slow communication channels styles in the west", left, "en")
    assert "slow communication channels" in left, (words, wrong)


def test_two_speakers_are_told_apart_by_their_channels(hear: Hear, turns: dict[str, Any]) -> None:
    transcript = hear("dialogue/dlg-lj-spk1-stereo.flac", channels="separate", language="en")
    for channel, speaker in (("left", "A"), ("right", "B")):
        heard = " ".join(segment.text for segment in transcript.segments if segment.channel == channel)
        said = " ".join(t["text"] for t in turns["dialogue/dlg-lj-spk1-stereo.flac"] if t["speaker"] == speaker)
        words, wrong = count_errors(said, heard, "en")
        assert wrong / words < 0.15


def test_a_recording_in_two_languages_is_written_in_both(hear: Hear) -> None:
    segments = hear("speech/fw-multilingual.mp3", multilingual=True).segments
    assert [*dict.fromkeys(segment.language for segment in segments)] == ["en", "de"]
    (switch,) = [b.start for a, b in pairwise(segments) if a.language != b.language]
    assert 29 < switch < 32


def test_what_is_said_in_german_is_written_in_english(hear: Hear) -> None:
    transcript = hear("speech/fleurs-de-000.ogg", task="translate")
    assert transcript.language == "de"
    assert "island" in transcript.text
    assert transcript.language_probability
    assert transcript.language_probability > 0.9
