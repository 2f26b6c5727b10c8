"""Whatever is wrong with a request, its sender reads Tiro's words: never pydantic's."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from functions.api.audio_form import TranscriptionForm, TranslationForm
from tiro.batch import BatchRequest
from tiro.errors import InvalidRequest
from tiro.formats.choice import TranscriptQuery
from tiro.listing import ListQuery, parse_query
from tiro.request import TranscriptionRequest, parse_body, parse_handling, parse_options, parse_request
from tiro.upload import Completion, PartNumbers
from tiro.validation import SENTENCES, invalid
from tiro.webhook import EndpointRequest

BODIES: list[type[BaseModel]] = [TranscriptionRequest, BatchRequest, EndpointRequest, PartNumbers, Completion]
TEXTS: list[type[BaseModel]] = [ListQuery, TranscriptQuery, TranscriptionForm, TranslationForm]

LIBRARYS = re.compile(
    r"Input should|Value error|pydantic|Expecting|valid (integer|string|number|boolean|dictionary|list|array|date)|"
    r"Extra inputs|Field required|unable to parse|should (be|have|match)|after validation|Traceback|0x[0-9a-f]{6}"
)

TIMES = st.sampled_from(["2026-01-01T00:00:00 02:00", "2026-13-01", "1e99", "-1", "0001-01-01T00:00:00+14:00", "x"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from(["", "5", "true", "9" * 5000, "x" * 3000, "s3://b/", "https://x y/", "a,b"])
    | TIMES
)  # fmt: skip


def named(model: type[BaseModel]) -> list[str]:
    """Every name of a field anywhere in a model, and a few that no model has."""
    schema = model.model_json_schema()
    shapes = [schema, *schema.get("$defs", {}).values()]
    return [
        *{name for shape in shapes for name in shape.get("properties", {})},
        "Language",
        "nope",
        "a/b~",
        "[key]",
        "",
    ]


def hostile(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(named(model)) | st.text(max_size=70)
    return st.dictionaries(
        names,
        st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner), max_leaves=12),
        max_size=8,
    )


def read(error: ValidationError, model: type[BaseModel]) -> None:
    for found in error.errors():
        assert found["type"] in SENTENCES or found["type"] == "extra_forbidden", found
    refused = invalid(error, model)
    assert refused.errors
    for problem in refused.errors:
        assert problem.detail
        assert problem.model_dump_json()  # it can be sent
        assert not LIBRARYS.search(problem.detail), problem
        assert len(problem.detail) <= 301


@pytest.mark.parametrize("model", BODIES, ids=lambda model: model.__name__)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_body_is_refused_in_a_librarys_words(model: type[BaseModel], data: st.DataObject) -> None:
    value = data.draw(hostile(model) | SCALARS | st.lists(SCALARS, max_size=3))
    try:
        model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        read(error, model)


@pytest.mark.parametrize("model", TEXTS, ids=lambda model: model.__name__)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_no_query_or_form_is_refused_in_a_librarys_words(model: type[BaseModel], data: st.DataObject) -> None:
    names = st.sampled_from([*named(model), "\ud800"]) | st.text(max_size=9)
    texts = st.text(max_size=9) | TIMES | st.sampled_from(["9" * 5000, "nan", "inf", "1.5", "\ud800"])
    value = data.draw(st.dictionaries(names, texts | st.lists(texts, max_size=3), max_size=6))
    try:
        model.model_validate(value)
    except ValidationError as error:
        read(error, model)


@given(st.dictionaries(st.sampled_from([*TranscriptionRequest.model_fields, "x-owner"]), st.text(max_size=9) | TIMES))
@settings(deadline=None)
def test_no_metadata_is_refused_in_a_librarys_words(said: dict[str, str]) -> None:
    refused = ""
    for parse in (parse_options, parse_handling):
        try:
            parse(said)
        except InvalidRequest as error:
            refused += str(error)
    assert not LIBRARYS.search(refused)


# ---------------------------------------------------------------- types


def refusal(body: str, model: type[BaseModel] = TranscriptionRequest) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as raised:
        parse_body(model, body)
    return {problem.pointer: problem.detail for problem in raised.value.errors}


def ask(**fields: Any) -> str:
    return json.dumps({"source": {"upload": {}}, **fields})


@pytest.mark.parametrize(
    ("fields", "pointer", "says"),
    [
        ({"source": {"upload": {"size": True}}}, "/source/upload/size", "must be a whole number, not true"),
        ({"source": {"upload": {"size": "5"}}}, "/source/upload/size", 'must be a whole number, not "5"'),
        ({"source": {"upload": {"size": 1.5}}}, "/source/upload/size", "must be a whole number, not 1.5"),
        ({"source": {"upload": {"filename": 7}}}, "/source/upload/filename", "must be a string, not 7"),
        ({"start": "5"}, "/start", 'must be a number, not "5"'),
        ({"end": True}, "/end", "must be a number, not true"),
        ({"words": 1}, "/words", "must be true or false, not 1"),
        ({"words": "true"}, "/words", 'must be true or false, not "true"'),
        ({"delete_media": "yes"}, "/delete_media", 'must be true or false, not "yes"'),
        ({"retention_seconds": "86400"}, "/retention_seconds", 'must be a whole number, not "86400"'),
        ({"language_threshold": "0.5"}, "/language_threshold", 'must be a number, not "0.5"'),
        ({"hotwords": "Tiro, Cicero"}, "/hotwords", 'must be a list, not "Tiro, Cicero"'),
        ({"metadata": {"order": 7}}, "/metadata/order", "must be a string, not 7"),
        ({"metadata": {"a/b~c": 7}}, "/metadata/a~1b~0c", "must be a string, not 7"),
        ({"metadata": {"": "x"}}, "/metadata/", "its name must have at least 1 character"),
    ],
)
def test_a_loose_value_is_refused(fields: dict[str, Any], pointer: str, says: str) -> None:
    assert says in refusal(ask(**fields))[pointer]


def test_numbers_of_json_are_taken_in_every_spelling() -> None:
    request = parse_request('{"source": {"upload": {"size": 5.0}}, "start": 1, "end": 2e1, "hotwords": ["Tiro"]}')
    assert request.source.upload is not None
    assert (request.source.upload.size, request.start, request.end) == (5, 1.0, 20.0)
    assert request.options.hotwords == ("Tiro",)


def test_metadata_and_queries_are_text_and_stay_lenient() -> None:
    assert parse_options({"words": "true", "start": "5", "hotwords": "a, b"}).hotwords == ("a", "b")
    assert parse_query({"limit": ["5"]}).limit == 5


# ---------------------------------------------------------------- near misses


@pytest.mark.parametrize(
    ("fields", "pointer", "says"),
    [
        ({"format": "text"}, "/format", "transcript?format=srt"),
        ({"response_format": "srt"}, "/response_format", "transcript?format=srt"),
        ({"timestamp_granularities": ["word"]}, "/timestamp_granularities", '"words": true'),
        ({"audio_url": "https://x.test"}, "/audio_url", '{"url": "https://…"}'),
        ({"file": "talk.mp3"}, "/file", '{"upload": {}}'),
        ({"Media": {"MediaFileUri": "s3://a/b"}}, "/Media", "s3://bucket/key"),
        ({"LanguageCode": "en-US"}, "/LanguageCode", '"language": "en"'),
        ({"language_code": "en"}, "/language_code", '"language": "en"'),
        ({"webhook_url": "https://x.test"}, "/webhook_url", "POST /v1/webhooks"),
        ({"diarize": True}, "/diarize", "does not tell speakers apart"),
        ({"punctuate": True}, "/punctuate", "always written"),
        ({"keyterms": ["x"]}, "/keyterms", '"hotwords"'),
        ({"initial_prompt": "x"}, "/initial_prompt", '"prompt"'),
        ({"temperature": 0}, "/temperature", "leave it out"),
        ({"Language": "en"}, "/Language", "did you mean 'language'?"),
        ({"langauge": "en"}, "/langauge", "did you mean 'language'?"),
        ({"deleteMedia": True}, "/deleteMedia", "did you mean 'delete_media'?"),
        ({"frobnicate": 1}, "/frobnicate", "there are priority, "),
        ({"language": "English"}, "/language", "did you mean 'en'?"),
        ({"language": "Deutsch"}, "/language", "did you mean 'de'?"),
        ({"language": "jp"}, "/language", "did you mean 'ja'?"),
        ({"language": "eng"}, "/language", "did you mean 'en'?"),
        ({"language": "auto"}, "/language", "leave it out"),
        ({"if_unsure": "Guess"}, "/if_unsure", "did you mean 'guess'?"),
        ({"task": "Translate"}, "/task", "did you mean 'translate'?"),
        ({"channels": "stereo"}, "/channels", "did you mean 'separate'?"),
        ({"priority": "BATCH"}, "/priority", "did you mean 'batch'?"),
        ({"source": "https://x.test/a.mp3"}, "/source", '{"url": "https://…"}'),
        ({"source": "s3://bucket/key"}, "/source", '{"s3": "s3://bucket/key"}'),
        ({"source": "talk.mp3"}, "/source", '{"upload": {}}'),
        ({"source": {"upload": "talk.mp3"}}, "/source/upload", '{"filename": "talk.mp3"}'),
        ({"source": {"upload": {"mime_type": "x"}}}, "/source/upload/mime_type", "did you mean 'content_type'?"),
        ({"source": {"URL": "x"}}, "/source/URL", "did you mean 'url'?"),
        ({"webhook": "https://x.test"}, "/webhook", '{"endpoint": "wh_…"}'),
    ],
)
def test_a_near_miss_is_told_what_was_meant(fields: dict[str, Any], pointer: str, says: str) -> None:
    told = refusal(ask(**fields))[pointer]
    assert says in told
    assert not LIBRARYS.search(told)


@pytest.mark.parametrize(
    ("query", "pointer", "says"),
    [
        ({"created_after": "2026-01-01T00:00:00 02:00"}, "/created_after", "write %2B"),
        ({"created_before": "2026-01-01T00:00 02:00"}, "/created_before", "write %2B"),
        ({"created_after": "1767225600"}, "/created_after", "such as 2026-01-31T12:00:00Z"),
        ({"created_after": "0.5"}, "/created_after", "such as 2026-01-31T12:00:00Z"),
        ({"created_after": ""}, "/created_after", "such as 2026-01-31T12:00:00Z"),
        ({"created_after": "yesterday"}, "/created_after", "such as 2026-01-31T12:00:00Z"),
        ({"status": "done"}, "/status", "did you mean 'completed'?"),
        ({"status": "Queued"}, "/status", "did you mean 'queued'?"),
        ({"limit": "ten"}, "/limit", 'must be a whole number, not "ten"'),
        ({"page": "2"}, "/page", "did you mean 'cursor'?"),
        ({"Limit": "2"}, "/Limit", "did you mean 'limit'?"),
    ],
)
def test_so_is_one_in_a_query(query: dict[str, str], pointer: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_query({name: [value] for name, value in query.items()})
    assert [says in problem.detail for problem in raised.value.errors if problem.pointer == pointer] == [True]


def test_only_a_time_that_lost_its_plus_is_told_of_it() -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_query({"created_after": ["last week"]})
    assert "%2B" not in str(raised.value)


def test_one_wrong_item_is_not_told_that_its_list_is_too_short() -> None:
    assert list(refusal('{"numbers": ["1"]}', PartNumbers)) == ["/numbers/0"]
    assert "at least 1 item" in refusal('{"numbers": []}', PartNumbers)["/numbers"]


def test_a_secret_is_not_repeated() -> None:
    for secret in (5551234, "whsec_5551234", ["5551234"]):
        told = refusal(ask(webhook={"url": "https://x.test", "secret": secret}))
        assert "5551234" not in json.dumps(told)


# ---------------------------------------------------------------- media types


def upload(content_type: str) -> str:
    return json.dumps({"source": {"upload": {"content_type": content_type}}})


@pytest.mark.parametrize(
    "content_type",
    [
        "audio/mpeg", "AUDIO/MPEG", "audio/webm;codecs=opus", "audio/x-m4a", "audio/vnd.wave", "video/x-matroska",
        "application/octet-stream", "application/ogg", "application/mxf", "application/mp4", "binary/octet-stream",
    ],
)  # fmt: skip
def test_a_recordings_media_type_is_taken(content_type: str) -> None:
    assert parse_request(upload(content_type)).source.upload is not None


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html", "text/html; audio/mpeg", "image/svg+xml", "application/xhtml+xml", "text/javascript", "text/xml",
        "application/json", "application/x-mpegurl", "audio", "audio/", "", "audio/mpeg\r\nX: y", "xaudio/mpeg",
        "application/octet-stream2", "audio/mpeg, text/html",
    ],
)  # fmt: skip
def test_another_is_refused_with_those_that_are_taken(content_type: str) -> None:
    told = refusal(upload(content_type))["/source/upload/content_type"]
    assert "audio/*" in told
    assert "application/octet-stream" in told


@pytest.mark.parametrize(
    "url",
    ["https://e.com:port/a?sig=HUSH", "https://[::1/a?sig=HUSH", "https://a\u2100b.com/?sig=HUSH", "ftp://u:HUSH@e.com/",
     "www.e.com/a.mp3?sig=HUSH", "u:HUSH@e.com/a.mp3", ""],
)  # fmt: skip
def test_a_url_is_refused_in_tiros_words_and_not_repeated(url: str) -> None:
    says = refusal(json.dumps({"source": {"url": url}}))["/source/url"]
    assert not re.search(r"HUSH|cast|range 0|Invalid|netloc|NFKC", says)


def test_a_url_of_another_scheme_says_what_to_send() -> None:
    def says(url: str) -> str:
        return refusal(json.dumps({"source": {"url": url}}))["/source/url"]

    assert "not ftp:" in says("ftp://e.com/a.mp3")
    assert '"source": {"s3": "s3://bucket/key"}' in says("s3://bucket/key")
    assert "put https:// before it" in says("www.e.com/a.mp3")
    assert "put https:// before it" in says("e.com:443/a.mp3")


def test_an_object_that_is_none_is_repeated() -> None:
    assert 'not "https://e.com/a"' in refusal('{"source": {"s3": "https://e.com/a?sig=HUSH"}}')["/source/s3"]
    assert "not 5" in refusal('{"source": {"s3": 5}}')["/source/s3"]


def test_a_list_with_wrong_items_is_not_called_too_short_besides() -> None:
    told = refusal('{"sources": [{"upload": {"size": "5"}}, {"uplaod": {}}, {"url": 5}]}', BatchRequest)
    assert set(told) == {"/sources/0/upload/size", "/sources/1/uplaod", "/sources/2/url"}


@pytest.mark.parametrize("sent", ["\x1b[31m", "\x9b31m", "\u202e3pm", "\u2066x"])
def test_what_a_message_repeats_is_nothing_that_a_terminal_obeys(sent: str) -> None:
    assert refusal(ask(task=sent))["/task"].isprintable()


def test_a_language_with_its_region_is_told_its_tag() -> None:
    assert "did you mean 'en'" in refusal(ask(language="English (US)"))["/language"]


def test_half_of_a_surrogate_pair_in_a_form_is_no_json() -> None:
    with pytest.raises(ValidationError, match="must be a JSON object"):
        TranscriptionForm.model_validate({"model": "whisper-1", "webhook": "\ud800"})
