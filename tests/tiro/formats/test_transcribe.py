"""Amazon Transcribe's shape, held against models that take Amazon's own examples and nothing looser."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import botocore.session
import pytest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tests.factories import make_segment, make_transcript
from tiro.formats import FORMATS, Wishes
from tiro.formats.languages import amazon_code
from tiro.language import WHISPER_LANGUAGES, to_bcp47
from tiro.transcript import Word

Number = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+$", strict=True)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Alternative(Strict):
    confidence: Number
    content: Annotated[str, StringConstraints(min_length=1)]


class Spoken(Strict):
    id: int | None = None
    type: Literal["pronunciation"]
    alternatives: list[Alternative]
    start_time: Number
    end_time: Number
    speaker_label: str | None = None
    channel_label: str | None = None


class Mark(Strict):
    id: int | None = None
    type: Literal["punctuation"]
    alternatives: list[Alternative]
    speaker_label: str | None = None
    channel_label: str | None = None


class AudioSegment(Strict):
    id: int
    transcript: str
    start_time: Number
    end_time: Number
    speaker_label: str | None = None
    channel_label: str | None = None
    items: list[int]


class Channel(Strict):
    channel_label: Annotated[str, StringConstraints(pattern=r"^ch_\d$")]
    items: list[Spoken | Mark]


class Channels(Strict):
    channels: list[Channel]
    number_of_channels: int


class Text(Strict):
    transcript: str


class Score(Strict):
    score: Number
    code: str


class Results(Strict):
    transcripts: list[Text]
    language_code: str | None = None
    language_identification: list[Score] | None = None
    channel_labels: Channels | None = None
    items: list[Spoken | Mark]
    audio_segments: list[AudioSegment] | None = None


class Output(Strict):
    """Developer guide, "Data input and output"; `id` and `audio_segments` are in newer jobs' only."""

    job_name: str = Field(alias="jobName")
    account_id: str = Field(alias="accountId")
    status: Literal["COMPLETED"]
    results: Results


GUIDE = {
    "jobName": "my-first-transcription-job",
    "accountId": "111122223333",
    "status": "COMPLETED",
    "results": {
        "transcripts": [{"transcript": "I've been on hold for an hour."}],
        "channel_labels": {
            "channels": [
                {
                    "channel_label": "ch_0",
                    "items": [
                        {
                            "channel_label": "ch_0",
                            "start_time": "4.86",
                            "end_time": "5.01",
                            "alternatives": [{"confidence": "1.0", "content": "I've"}],
                            "type": "pronunciation",
                        }
                    ],
                }
            ],
            "number_of_channels": 2,
        },
        "items": [
            {
                "id": 0,
                "type": "pronunciation",
                "alternatives": [{"confidence": "0.993", "content": "hour"}],
                "start_time": "2.96",
                "end_time": "3.15",
            },
            {"id": 1, "type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]},
        ],
        "audio_segments": [
            {"id": 0, "transcript": "hour.", "start_time": "0.56", "end_time": "1.559", "items": [0, 1]}
        ],
    },
}


def written(transcript: Any) -> Output:
    text = FORMATS["transcribe"].render(transcript, Wishes(job_name="01kdy", account_id="111122223333"))
    return Output.model_validate(json.loads(text))


def said(output: Output) -> list[tuple[str, str]]:
    return [(item.type[:4], item.alternatives[0].content) for item in output.results.items]


def test_the_models_take_amazon_s_own() -> None:
    Output.model_validate(GUIDE)


def test_words_and_marks_are_items_and_numbers_are_strings() -> None:
    output = written(make_transcript(make_segment("Dictate, and “it” is written.")))
    assert said(output) == [
        *[("pron", "Dictate"), ("punc", ","), ("pron", "and")],
        *[("punc", "“"), ("pron", "it"), ("punc", "”"), ("pron", "is"), ("pron", "written"), ("punc", ".")],
    ]
    first = output.results.items[0]
    assert isinstance(first, Spoken)
    assert (first.start_time, first.end_time, first.alternatives[0].confidence) == ("0.5", "0.9", "0.9")
    assert {i.alternatives[0].confidence for i in output.results.items if isinstance(i, Mark)} == {"0.0"}
    assert [item.id for item in output.results.items] == list(range(9))


def test_the_job_is_named_and_the_language_scored() -> None:
    output = written(make_transcript(language="pt", language_probability=0.46334))
    assert (output.job_name, output.account_id) == ("01kdy", "111122223333")
    assert output.results.language_code == "pt-BR"
    assert output.results.language_identification == [Score(score="0.4633", code="pt-BR")]
    assert written(make_transcript(language_probability=None)).results.language_identification is None


def test_audio_segments_name_all_items_once() -> None:
    output = written(make_transcript(make_segment("One two."), make_segment("Three!", start=3.0)))
    assert output.results.audio_segments
    assert [s.items for s in output.results.audio_segments] == [[0, 1, 2], [3, 4]]
    assert [s.transcript for s in output.results.audio_segments] == ["One two.", "Three!"]
    assert output.results.transcripts == [Text(transcript="One two. Three!")]


def test_without_words_a_segment_s_share_its_time_and_certainty() -> None:
    segment = make_segment("aa bbbb, cc", start=1.0, end=10.0, words=(), avg_logprob=-0.5)
    items = [item for item in written(make_transcript(segment)).results.items if isinstance(item, Spoken)]
    assert [(i.start_time, i.end_time) for i in items] == [("1.0", "3.0"), ("3.0", "8.0"), ("8.0", "10.0")]
    assert {i.alternatives[0].confidence for i in items} == {"0.607"}  # exp(-0.5)


@pytest.mark.parametrize(
    ("language", "text", "content"),
    [
        ("ja", "猫である。", ["猫", "で", "あ", "る", "。"]),
        ("hi", "हिन्दी बोली।", ["हिन्दी", "बोली", "।"]),
        ("en", "It's 50% of $5 -3.5 C++", ["It's", "50%", "of", "$5", "-3.5", "C++"]),
        ("es", "¿Qué?", ["¿", "Qué", "?"]),
    ],
)
def test_a_word_keeps_what_belongs_to_it(language: str, text: str, content: list[str]) -> None:
    output = written(make_transcript(make_segment(text, words=()), language=language))
    assert [item.alternatives[0].content for item in output.results.items] == content


def test_channels_are_labelled() -> None:
    left = make_segment("Hello.", channel="left")
    right = make_segment("Yes.", start=2.0, channel="right")
    results = written(make_transcript(left, right)).results
    assert results.channel_labels
    assert results.channel_labels.number_of_channels == 2
    assert [(c.channel_label, [i.id for i in c.items]) for c in results.channel_labels.channels] == [
        ("ch_0", [0, 1]),
        ("ch_1", [2, 3]),
    ]
    assert [item.channel_label for item in results.items] == ["ch_0", "ch_0", "ch_1", "ch_1"]
    assert results.audio_segments
    assert [s.channel_label for s in results.audio_segments] == ["ch_0", "ch_1"]


def test_silence_is_a_completed_job_without_a_word() -> None:
    output = written(make_transcript(text="", segments=(), no_speech=True, language="zxx", language_probability=None))
    assert output.results == Results(transcripts=[Text(transcript="")], items=[], audio_segments=[])


def test_a_word_of_nothing_is_no_item() -> None:
    segment = make_segment("a", words=(Word(start=0, end=1, text=" \n", probability=0.5),))
    assert written(make_transcript(segment)).results.items == []


def test_every_code_is_amazon_s_or_the_tag_itself() -> None:
    model = botocore.session.get_session().get_service_model("transcribe")
    known = set(model.shape_for("LanguageCode").metadata["enum"])
    tags = {to_bcp47(code) for code in WHISPER_LANGUAGES}
    languages = {code.split("-")[0] for code in known}
    for tag in tags:
        code = amazon_code(tag)
        assert (code in known) if tag in languages | {"yue"} else (code == tag)
