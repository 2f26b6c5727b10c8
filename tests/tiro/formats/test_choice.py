"""Which format is meant, and what is refused."""

from __future__ import annotations

import pytest

from tiro.errors import FormatNotAcceptable, InvalidRequest
from tiro.formats import FORMATS, Rules
from tiro.formats.choice import choose, negotiate


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/*", "json"),
        ("text/vtt", "vtt"),
        ("TEXT/VTT; charset=utf-8", "vtt"),
        ("application/x-subrip", "srt"),
        ("text/plain", "txt"),
        ("text/tab-separated-values", "tsv"),
        ("text/*", "txt"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("text/plain;q=0.5, text/vtt;q=0.9", "vtt"),
        ("application/x-subrip, text/vtt", "srt"),
        ("text/vtt, application/x-subrip", "vtt"),
        ("*/*, text/vtt", "vtt"),
        ("*/*, application/json;q=0", "txt"),
        ("text/*;q=0.9, text/plain;q=0.1", "vtt"),
        ("application/json;q=rubbish, text/vtt;q=0.1", "vtt"),
        (" , ,text/vtt,", "vtt"),
    ],
)
def test_a_header_chooses(accept: str, name: str) -> None:
    assert negotiate(accept).name == name


@pytest.mark.parametrize("accept", ["image/png", "text/html", "*/*;q=0", "application/json;q=0", "nonsense", "/", ";"])
def test_what_cannot_be_had_is_not_acceptable(accept: str) -> None:
    with pytest.raises(FormatNotAcceptable, match="text/vtt") as refused:
        negotiate(accept)
    assert len(accept) < 3 or accept not in str(refused.value)  # a header is not repeated


@pytest.mark.parametrize(
    ("name", "meant"), [("text", "txt"), ("webvtt", "vtt"), ("SRT", "srt"), ("verbose-json", "verbose_json")]
)
def test_a_format_of_another_name_is_asked_back(name: str, meant: str) -> None:
    with pytest.raises(FormatNotAcceptable, match=f"Did you mean '{meant}'"):
        choose({"format": [name]})


def test_a_named_format_has_the_last_word() -> None:
    for name, form in FORMATS.items():
        assert choose({"format": [name]}, "image/png").form is form
    with pytest.raises(FormatNotAcceptable, match="verbose_json"):
        choose({"format": ["docx"]})
    with pytest.raises(FormatNotAcceptable):
        choose({"format": [""]})


def test_rules_are_read() -> None:
    asked = {"max_chars_per_line": ["37"], "max_lines": ["1"], "max_cue_seconds": ["4.5"], "max_cps": ["17"]}
    assert choose(asked, "text/vtt").wishes.rules == Rules(37, 1, 4.5, 17.0)
    assert choose({"format": ["srt"]}).wishes.rules == Rules()


@pytest.mark.parametrize("said", [["word,segment"], ["word", "segment"], ["word, segment"]])
def test_granularities_are_listed_or_repeated(said: list[str]) -> None:
    chosen = choose({"format": ["verbose_json"], "timestamp_granularities": said})
    assert chosen.wishes.granularities == ("word", "segment")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"format": ["vtt"], "max_lines": ["0"]}, "/max_lines"),
        ({"format": ["vtt"], "max_lines": ["two"]}, "/max_lines"),
        ({"format": ["vtt"], "max_lines": ["2", "3"]}, "/max_lines"),
        ({"format": ["vtt"], "max_chars_per_line": ["9"]}, "/max_chars_per_line"),
        ({"format": ["vtt"], "max_cue_seconds": ["nan"]}, "/max_cue_seconds"),
        ({"format": ["vtt"], "max_cps": ["inf"]}, "/max_cps"),
        ({"format": ["vtt"], "max_line": ["2"]}, "/max_line"),
        ({"format": ["vtt", "srt"]}, "/format"),
        ({"format": ["txt"], "max_lines": ["2"]}, "/max_lines"),
        ({"format": ["json"], "timestamp_granularities": ["word"]}, "/timestamp_granularities"),
        ({"format": ["verbose_json"], "timestamp_granularities": ["letter"]}, "/timestamp_granularities"),
    ],
)
def test_what_is_wrong_or_of_no_use_is_named(query: dict[str, list[str]], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        choose(query)
    assert refused.value.errors[0].pointer.startswith(pointer)
