"""What a caller may ask, and what each wrong request is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiro.errors import InvalidRequest, MalformedBody, RequestError
from tiro.language import WHISPER_LANGUAGES, parse_language, to_bcp47
from tiro.request import Options, S3Object, parse_options, parse_request


def ask(**fields: Any) -> str:
    return json.dumps({"source": {"upload": {}}, **fields})


def test_the_smallest_request() -> None:
    request = parse_request('{"source": {"upload": {}}}')
    assert request.source.upload is not None
    assert request.options.language is None


def test_an_s3_source_keeps_its_key_as_it_stands() -> None:
    request = parse_request(ask(source={"s3": "s3://my-bucket/a b/%20+ö?#.mp3"}))
    assert request.source.s3 == S3Object(bucket="my-bucket", key="a b/%20+ö?#.mp3")


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "en"),
        ("EN-us", "en"),
        ("pt_BR", "pt"),
        ("zh-Hant-TW", "zh"),
        ("jv", "jw"),
        ("nb-NO", "no"),
        ("fil", "tl"),
    ],
)
def test_languages_come_as_bcp47(tag: str, code: str) -> None:
    assert parse_request(ask(language=tag)).options.language == code


def test_every_whisper_language_has_a_bcp47_tag_that_comes_back() -> None:
    assert len(WHISPER_LANGUAGES) == 100
    for code in WHISPER_LANGUAGES:
        assert parse_language(to_bcp47(code)) == code


@pytest.mark.parametrize("body", [None, "", "{", "nonsense", b"\xff\xfe"])
def test_what_is_not_json_is_malformed(body: str | bytes | None) -> None:
    with pytest.raises(MalformedBody):
        parse_request(body)


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        (ask(langauge="en"), "/langauge", "there is no such field"),
        (ask(language="klingon"), "/language", "not a language"),
        (ask(language=7), "/language", "string"),
        ("{}", "/source", "required"),
        ("[]", "", "object"),
        (ask(source={}), "/source", "exactly one"),
        (ask(source={"upload": {}, "s3": "s3://abc/x"}), "/source", "exactly one"),
        (ask(source={"upload": {"size": 0}}), "/source/upload/size", "greater than 0"),
        (ask(source={"upload": {"content_type": "audio/x\r\nX-Evil: 1"}}), "/source/upload/content_type", "pattern"),
        (ask(source={"s3": {"bucket": "../x", "key": "k"}}), "/source/s3", "by a string"),
        (ask(source={"s3": "https://example.com/x"}), "/source/s3", "s3://bucket/key"),
        (ask(source={"s3": "s3://bucket/"}), "/source/s3", "s3://bucket/key"),
        (ask(source={"s3": "s3://bucket/" + "k" * 1025}), "/source/s3", "1,024"),
        (ask(if_unsure="shrug"), "/if_unsure", "not a language"),
        (ask(language_threshold=1.5), "/language_threshold", "less than or equal to 1"),
        (ask(hotwords=["Tiro", " "]), "/hotwords/1", "at least 1"),
        (ask(hotwords=["word"] * 101), "/hotwords", "at most 100"),
        (ask(channels="left"), "/channels", "'mix' or 'separate'"),
        (ask(track=0), "/track", "1"),
        (ask(track="first"), "/track", 'whole number, not "first"'),
        (ask(tracks="both"), "/tracks", "'one' or 'all'"),
        (ask(tracks="all"), "", "needs channels: separate"),
        (ask(tracks="all", channels="separate", track=2), "", "send track or tracks"),
        (ask(start=-1), "/start", "greater than or equal to 0"),
        (ask(start=9, end=9), "", "end after it starts"),
        (ask(language="en", multilingual=True), "", "language or multilingual"),
    ],
)
def test_a_wrong_field_is_named(body: str, pointer: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_request(body)
    assert [says in p.detail for p in raised.value.errors if p.pointer == pointer] == [True], raised.value.errors


SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_json_gets_past_or_breaks_it(value: Any) -> None:
    with pytest.raises(RequestError):
        parse_request(json.dumps({"source": value}))


def test_options_stand_among_other_metadata() -> None:
    assert parse_options({"language": "de-AT", "photographer": "me"}).language == "de"
    with pytest.raises(InvalidRequest, match="klingon"):
        parse_options({"language": "klingon"})


def test_tracks_are_named_as_text_too() -> None:
    assert parse_options({"track": "2"}) == Options(track=2)
    everything = {"tracks": "all", "channels": "separate"}
    assert parse_options(everything) == Options(tracks="all", channels="separate")
    with pytest.raises(InvalidRequest, match="channels: separate"):
        parse_options({"tracks": "all"})


def test_options_may_be_written_as_text_alone() -> None:
    written = {"words": "true", "hotwords": "Tiro, Cicero,", "start": "1.5", "end": "60", "if_unsure": "PT-br"}
    assert parse_options(written) == Options(words=True, hotwords=("Tiro", "Cicero"), start=1.5, end=60, if_unsure="pt")


@pytest.mark.parametrize("field", ["start", "end", "track"])
def test_a_number_that_no_recording_has_is_refused(field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"/{field}: must be less than or equal to") as refused:
        parse_request(json.dumps({"source": {"upload": {}}, field: 10**30}))
    assert refused.value.errors[0].pointer == f"/{field}"
