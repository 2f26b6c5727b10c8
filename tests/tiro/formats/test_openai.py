"""OpenAI's shapes, read by OpenAI's own models, which must find every field that they know and no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import BaseModel
from openai.types.audio import (
    Transcription,
    TranscriptionSegment,
    TranscriptionVerbose,
    TranscriptionWord,
    TranslationVerbose,
)

from tests.factories import make_segment, make_transcript
from tiro.formats import OPENAI_FORMATS, Granularity, Wishes
from tiro.formats.languages import english_name
from tiro.language import WHISPER_LANGUAGES, to_bcp47

HEARD = make_transcript(make_segment("Dictate,"), make_segment("and it is written.", start=2.0))


def verbose(*granularities: Granularity, task: str = "transcribe", **changes: Any) -> dict[str, Any]:
    wishes = Wishes(granularities=granularities or ("segment",), task=task)
    found: dict[str, Any] = json.loads(OPENAI_FORMATS["verbose_json"].render(HEARD.model_copy(update=changes), wishes))
    return found


def parsed(model: type[BaseModel], found: dict[str, Any]) -> Any:
    """Parse strictly: what is missing or of another type raises, what is too much is seen."""
    return model.model_validate(found, strict=True)


def test_json_is_the_text_and_the_usage() -> None:
    found = json.loads(OPENAI_FORMATS["json"].render(HEARD))
    assert found == {"text": "Dictate, and it is written.", "usage": {"type": "duration", "seconds": 4}}
    assert parsed(Transcription, found).text == found["text"]


def test_text_ends_in_a_newline() -> None:
    assert OPENAI_FORMATS["text"].render(HEARD) == "Dictate, and it is written.\n"


def test_verbose_json_has_every_field_and_only_those() -> None:
    found = verbose("segment", "word")
    answer = parsed(TranscriptionVerbose, found)
    assert set(found) == set(TranscriptionVerbose.model_fields) | {"task"}  # which the spec's example has
    assert {frozenset(s) for s in found["segments"]} == {frozenset(TranscriptionSegment.model_fields)}
    assert {frozenset(w) for w in found["words"]} == {frozenset(TranscriptionWord.model_fields)}
    assert (answer.language, answer.duration, answer.text) == ("english", HEARD.duration, HEARD.text)
    assert [s.id for s in answer.segments] == [0, 1]


def test_an_example_of_openai_s_is_of_the_same_shape() -> None:
    """The example of the reference (openai-openapi 2.3.0, createTranscription, "Segment timestamps")."""
    example = {
        "task": "transcribe",
        "language": "english",
        "duration": 8.470000267028809,
        "text": "The beach was a popular spot on a hot summer day.",
        "segments": [
            {
                "id": 0,
                "seek": 0,
                "start": 0.0,
                "end": 3.319999933242798,
                "text": " The beach was a popular spot on a hot summer day.",
                "tokens": [50364, 440, 7534, 390, 257, 3743, 4008, 322, 257, 2368, 4266, 786, 13, 50530],
                "temperature": 0.0,
                "avg_logprob": -0.2860786020755768,
                "compression_ratio": 1.2363636493682861,
                "no_speech_prob": 0.00985979475080967,
            }
        ],
        "usage": {"type": "duration", "seconds": 9},
    }
    found = verbose()
    assert list(found) == list(example)
    assert list(found["segments"][0]) == list(example["segments"][0])  # type: ignore[index]
    kinds = {name: type(value) for name, value in found["segments"][0].items()}
    assert kinds == {name: type(value) for name, value in example["segments"][0].items()}  # type: ignore[index]


@pytest.mark.parametrize(
    ("granularities", "there"),
    [(("segment",), {"segments"}), (("word",), {"words"}), (("word", "segment"), {"words", "segments"})],
)
def test_granularities(granularities: tuple[Granularity, ...], there: set[str]) -> None:
    assert {"words", "segments"} & set(verbose(*granularities)) == there


def test_segments_joined_are_the_text() -> None:
    assert "".join(s["text"] for s in verbose()["segments"]) == " Dictate, and it is written."
    japanese = verbose(language="ja", segments=(make_segment("吾輩は"), make_segment("猫である。")))
    assert [s["text"] for s in japanese["segments"]] == ["吾輩は", "猫である。"]


def test_a_translation_is_in_english() -> None:
    found = verbose(task="translate", language="de")
    assert (found["task"], found["language"]) == ("translate", "english")
    assert parsed(TranslationVerbose, {**found}).language == "english"
    assert [s["text"] for s in verbose(task="translate", language="ja")["segments"]] == [
        s["text"] for s in found["segments"]
    ], "with the spaces of English"


def test_every_language_has_its_name() -> None:
    names = {code: english_name(to_bcp47(code)) for code in WHISPER_LANGUAGES}
    assert len(set(names.values())) == len(WHISPER_LANGUAGES)
    assert (names["de"], names["jw"], names["ht"]) == ("german", "javanese", "haitian creole")
    assert verbose(language="zxx", segments=(), text="")["language"] == "no linguistic content"
