"""What a caller may wish for reaches every window: words, names, a language or several, channels, a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.transcriber import WindowTranscriber
from tests.container.engine import LONG_ENOUGH, STORY, FakeEngine, LoudVad, said
from tests.container.sound import silence, tone, write
from tests.factories import make_engine
from tests.files import LocalFiles
from tiro.errors import InvalidRequest, LanguageUnsure, PartNotThere
from tiro.ports import PCM, DecodeOptions, HeardWindow
from tiro.request import Options
from tiro.stored import encode
from tiro.transcript import Engine, Transcript

Hear = Callable[..., Transcript]


@pytest.fixture
def hear(tmp_path: Path) -> Hear:
    """Transcribe channels, each of silence and speech of so many seconds by turns."""

    def hear(engine: FakeEngine, *channels: Sequence[float], **wishes: Any) -> Transcript:
        told = wishes.pop("told", [])
        sounds = [sound(*seconds) for seconds in channels or [(6, 5, 6, 5, 1)]]
        longest = max(map(len, sounds))
        write(tmp_path / "a.flac", [np.pad(s, (0, longest - len(s))) for s in sounds], codec="flac")
        files = LocalFiles(tmp_path)
        return WindowTranscriber(media=files, engine=engine, vad=LoudVad()).transcribe(
            files.media("a.flac"),
            Options(**{"language": None if {"multilingual", "if_unsure"} & {*wishes} else "en", **wishes}),
            max_seconds=3600,
            on_progress=lambda done, total: told.append((done, total)),
        )

    return hear


def sound(*seconds: float) -> PCM:
    return np.concatenate([tone(s) if i % 2 else silence(s) for i, s in enumerate(seconds)])


# ---------------------------------------------------------------- words


def test_words_stand_on_the_recordings_clock(hear: Hear) -> None:
    segments = hear(FakeEngine(said((1, 5, " One two three four.")), said((1, 5, " Five."))), words=True).segments
    assert [[word.text for word in segment.words] for segment in segments] == [
        ["One", "two", "three", "four."],
        ["Five."],
    ]
    assert [word.start for word in segments[0].words] == pytest.approx([6, 7, 8, 9], abs=0.15)
    for segment in segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert all(a.end <= b.start for a, b in pairwise(segment.words))
    assert segments[0].avg_logprob == pytest.approx(np.log(0.9), abs=1e-3), "of its own words, not of the window"


@pytest.mark.parametrize("probability", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("silent", [0.1, 0.9])
def test_words_whose_probability_is_no_number_are_not_believed(hear: Hear, probability: float, silent: float) -> None:
    class Unsure(FakeEngine):
        def align(self, encoded: Any, heard: Sequence[HeardWindow], options: DecodeOptions) -> Any:
            aligned = super().align(encoded, heard, options)
            return [[[replace(word, probability=probability) for word in s] for s in window] for window in aligned]

    transcript = hear(Unsure(*[said((1, 5, " One two three four."), silent=silent)] * 2), words=True)
    assert Transcript.model_validate_json(encode(transcript)) == transcript
    if silent > 0.5:  # the model heard no speech either: two signals
        assert transcript.no_speech
        assert all("low_logprob" in segment.flags for segment in transcript.dropped)
    else:
        assert {word.probability for segment in transcript.segments for word in segment.words} == {0.0}


def test_long_segments_are_cut_to_subtitles_where_words_are_known(hear: Hear) -> None:
    coarse = hear(FakeEngine(said((1, 26, STORY))), (6, 25, 1))
    fine = hear(FakeEngine(said((1, 26, STORY))), (6, 25, 1), words=True)
    assert len(coarse.segments) == 1
    assert fine.segments[0].text == "Call me Ishmael."
    assert max(segment.end - segment.start for segment in fine.segments) < 14
    assert fine.text == coarse.text


def test_a_gap_is_heard_again_only_if_the_words_leave_it_too(hear: Hear) -> None:
    class Precise(FakeEngine):
        """Knows that the words go on for longer than their segment says."""

        def align(self, encoded: Any, heard: Sequence[HeardWindow], options: DecodeOptions) -> Any:
            longer = [
                HeardWindow([*said((s.start, 20, s.text)).segments], 0, 0, complete=True)
                for window in heard
                for s in window.segments
            ]
            return super().align(encoded, longer, options)

    short = said((1, 9, LONG_ENOUGH), complete=False)
    for engine, windows in ((FakeEngine(short), 2), (Precise(short), 1)):
        hear(engine, (6, 18, 1))
        assert len(engine.decoded) == windows


# ---------------------------------------------------------------- names


def test_prompt_and_hotwords_are_told_before_each_window(hear: Hear) -> None:
    engine = FakeEngine(said((0, 5, LONG_ENOUGH), logprob=-1.5))  # the first is sampled again
    hear(engine, prompt=" A letter of Cicero's. ", hotwords=["Tiro", "Atticus"])
    assert len(engine.options) == 2
    assert {options.prompt for options in engine.options} == {"Tiro, Atticus A letter of Cicero's."}


# ---------------------------------------------------------------- languages


class Deployed(FakeEngine):
    def __init__(self, model: str, *script: HeardWindow) -> None:
        super().__init__(*script)
        self._model = model

    @property
    def info(self) -> Engine:
        return make_engine(model=self._model)


def test_a_translation_is_english_whatever_is_spoken(hear: Hear) -> None:
    engine = Deployed("base", said((1, 5, " Good morning.")), said((1, 5, " How are you?")))
    transcript = hear(engine, language="ja", task="translate")
    assert {options.task for options in engine.options} == {"translate"}
    assert (transcript.language, transcript.text) == ("ja", "Good morning. How are you?")


@pytest.mark.parametrize(
    ("model", "wishes"),
    [
        ("large-v3-turbo", {"task": "translate"}),
        ("tiny.en", {"task": "translate"}),
        ("tiny.en", {"language": "de"}),
        ("base", {"language": "yue"}),
    ],
)
def test_what_a_model_cannot_do_fails_for_good(hear: Hear, model: str, wishes: dict[str, str]) -> None:
    engine = Deployed(model)
    with pytest.raises(InvalidRequest, match=model):
        hear(engine, **wishes)
    assert engine.options == []


def test_where_the_language_is_unsure_the_policy_decides(hear: Hear) -> None:
    def unsure() -> FakeEngine:
        return FakeEngine(languages=[{"de": 0.4, "nl": 0.3}] * 2)

    assert hear(unsure(), if_unsure="guess").language == "de"
    assert hear(unsure(), if_unsure="pt").language == "pt"
    with pytest.raises(LanguageUnsure):
        hear(unsure(), if_unsure="fail")


class Bilingual(FakeEngine):
    """Hears Japanese in what is short, and German in the rest."""

    def detect_language(self, encoded: Any) -> Sequence[Mapping[str, float]]:
        return [{"ja": 0.9} if seconds < 6 else {"de": 0.9} for seconds in encoded]


def test_each_segment_of_a_multilingual_recording_has_its_language(hear: Hear) -> None:
    engine = Bilingual()
    transcript = hear(engine, (6, 5, 6, 3, 6, 3, 1), multilingual=True)
    assert [segment.language for segment in transcript.segments] == ["de", "ja", "ja"]
    assert transcript.text == f"{STORY} {STORY.strip()}{STORY.strip()}".strip()
    assert {options.language for options in engine.options} == {"de", "ja"}
    assert hear(Bilingual(), (6, 5, 6, 3, 6, 3, 1), language="de").segments[0].language is None


def test_long_windows_of_a_multilingual_recording_are_heard_in_pieces(hear: Hear) -> None:
    engine = Bilingual()
    hear(engine, (6, 25, 1), multilingual=True)
    assert max(seconds for seconds, _ in engine.decoded) <= 8


# ---------------------------------------------------------------- channels


def test_channels_are_heard_each_on_its_own_clock(hear: Hear) -> None:
    left, right = (2, 4, 20), (8, 4, 6, 3)
    answers = [said((1, 4, f" {text}")) for text in ("Hello there.", "Who is it?", "It is me.")]
    transcript = hear(FakeEngine(*answers), left, right, channels="separate")
    assert [(s.channel, s.text) for s in transcript.segments] == [
        ("left", "Hello there."),
        ("right", "Who is it?"),
        ("right", "It is me."),
    ]
    assert [s.start for s in transcript.segments] == pytest.approx([2, 8, 18], abs=0.15)
    assert transcript.duration == pytest.approx(26, abs=0.01)
    assert transcript.text == "Hello there. Who is it? It is me."


def test_channels_have_their_own_languages(hear: Hear) -> None:
    transcript = hear(Bilingual(), (2, 3, 20), (8, 8, 1), channels="separate", language=None)
    assert [(s.channel, s.language) for s in transcript.segments] == [("left", "ja"), ("right", "de")]


def test_by_default_channels_are_mixed(hear: Hear) -> None:
    engine = FakeEngine()
    transcript = hear(engine, (2, 4, 20), (3, 4, 20))
    assert [segment.channel for segment in transcript.segments] == [None]


# ---------------------------------------------------------------- a part


@pytest.mark.parametrize("words", [False, True])
def test_a_part_is_heard_on_the_recordings_clock(hear: Hear, words: bool) -> None:
    told: list[tuple[float, float]] = []
    engine = FakeEngine(said((1, 5, " One two three four.")))
    transcript = hear(engine, start=12.0, end=22.5, words=words, told=told)
    assert len(engine.decoded) == 1
    (segment,) = transcript.segments
    assert segment.start == pytest.approx(17, abs=0.15)
    assert segment.text == "One two three four."
    assert transcript.duration == pytest.approx(10.5, abs=0.01)
    assert told[-1] == pytest.approx((10.5, 10.5), abs=0.01)


def test_a_part_behind_the_end_is_not_there(hear: Hear) -> None:
    with pytest.raises(PartNotThere):
        hear(FakeEngine(), start=60)
