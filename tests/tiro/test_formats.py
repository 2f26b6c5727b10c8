"""Every format, read back by a parser that is not ours where there is one."""

from __future__ import annotations

import html
import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysubs2 import SSAFile

from tests.factories import make_segment, make_transcript
from tiro.formats import FORMATS
from tiro.formats.cues import Cue, cues
from tiro.formats.lines import width
from tiro.formats.rules import Rules
from tiro.transcript import Segment, Transcript, Word

GOLDEN = Path(__file__).parent / "golden"

LONG = (
    "Ask not what your country can do for you; ask what you can do for your country, and ask it twice, or three "
    "times. Then go & <do> it --> now, without asking anybody any more at all, please."
)
CAT = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
    "何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。"
)
KOREAN = "저는 학교에 갔다가 집으로 돌아와서 저녁을 먹고 잠을 잤습니다 그리고 아침에 일어났습니다"


def untimed(text: str, *, start: float = 0.0, end: float = 4.0) -> Segment:
    return make_segment(text, start=start, end=end, words=())


def cues_of(*segments: Segment, rules: Rules | None = None) -> list[Cue]:
    return cues(make_transcript(*segments), rules or Rules())


def lines_of(text: str) -> list[tuple[str, ...]]:
    return [cue.lines for cue in cues_of(untimed(text))]


INTERVIEW = make_transcript(
    make_segment("Good evening.", start=0.32),
    untimed(LONG, start=2.0, end=12.5),
    untimed(CAT, start=12.5, end=24.0),
    untimed(KOREAN, start=3599.0, end=3605.25),
)


@pytest.mark.parametrize("name", ["txt", "srt", "vtt", "json"])
def test_a_transcript_looks_as_it_did(name: str) -> None:
    form = FORMATS[name]
    assert form.render(INTERVIEW) == (GOLDEN / f"interview.{form.extension}").read_text(encoding="utf-8")


def test_formats_go_by_their_names() -> None:
    assert {name: (form.name, form.extension, form.content_type) for name, form in FORMATS.items()} == {
        "txt": ("txt", "txt", "text/plain; charset=utf-8"),
        "json": ("json", "json", "application/json; charset=utf-8"),
        "srt": ("srt", "srt", "application/x-subrip; charset=utf-8"),
        "vtt": ("vtt", "vtt", "text/vtt; charset=utf-8"),
        "tsv": ("tsv", "tsv", "text/tab-separated-values; charset=utf-8"),
        "verbose_json": ("verbose_json", "json", "application/json; charset=utf-8"),
        "transcribe": ("transcribe", "json", "application/json; charset=utf-8"),
    }


@pytest.mark.parametrize(
    ("name", "text"), [("txt", ""), ("srt", ""), ("vtt", "WEBVTT\n"), ("tsv", "start\tend\ttext\n")]
)
def test_silence_is_a_valid_file(name: str, text: str) -> None:
    silence = make_transcript(text="", segments=(), no_speech=True, language="zxx", duration=3.0)
    assert FORMATS[name].render(silence) == text
    assert Transcript.model_validate_json(FORMATS["json"].render(silence)) == silence


# ---------------------------------------------------------------- lines


def test_a_line_rather_ends_at_punctuation() -> None:
    assert lines_of("Ask not what your country can do for you; ask what you can do for it.") == [
        ("Ask not what your country can do for you;", "ask what you can do for it.")
    ]


def test_two_lines_are_about_equally_long() -> None:
    assert lines_of("one two three four five six seven eight nine ten") == [
        ("one two three four five", "six seven eight nine ten")
    ]


def test_chinese_and_japanese_break_without_spaces_but_not_before_a_stop() -> None:
    found = lines_of(CAT)
    assert "".join("".join(lines) for lines in found) == CAT
    assert not any(line[0] in "。、ーャ" for lines in found for line in lines)


def test_korean_keeps_its_words() -> None:
    assert [word for lines in lines_of(KOREAN) for line in lines for word in line.split()] == KOREAN.split()


def test_a_french_mark_stays_with_its_word() -> None:
    text = "Et alors vous me dites que c'est impossible ? Mais non, mais non, mon cher ami !"
    assert not any(line.startswith(("?", "!")) for lines in lines_of(text) for line in lines)


def test_a_word_longer_than_a_line_is_cut_and_kept() -> None:
    assert "".join(line for lines in lines_of("x" * 200) for line in lines) == "x" * 200


def test_an_accent_stays_on_its_letter() -> None:
    assert not any(line[0] == "\u0301" for lines in lines_of("e\u0301" * 100) for line in lines)


def test_control_characters_leave_nothing_behind() -> None:
    assert lines_of("\x1b\r a\x00b\u2028c \x07") == [("ab c",)]


def test_other_rules_make_other_cues() -> None:
    (cue,) = cues_of(untimed("one two three"), rules=Rules(columns=5, lines=3))
    assert cue.lines == ("one", "two", "three")


# ---------------------------------------------------------------- times


def test_parts_share_the_time_by_their_letters() -> None:
    half = "a" * 40 + " " + "b" * 40
    first, second = cues_of(untimed(f"{half} {half}", start=10.0, end=20.0))
    assert (first.start, first.end, second.start, second.end) == (10_000, 15_000, 15_000, 20_000)


def test_words_tell_the_time_better() -> None:
    words = ["a" * 40, "b" * 40, "c" * 40, "d" * 40]
    times = [(1.0, 3.0), (3.0, 5.0), (7.0, 9.0), (9.0, 11.0)]
    segment = make_segment(
        " ".join(words),
        start=0.9,
        end=11.2,
        words=tuple(
            Word(start=s, end=e, text=f" {w}", probability=1.0) for w, (s, e) in zip(words, times, strict=True)
        ),
    )
    first, second = cues_of(segment)
    assert (first.start, first.end, second.start, second.end) == (900, 5_000, 7_000, 11_200)


def test_words_that_are_not_the_text_tell_nothing() -> None:
    wrong = (Word(start=100.0, end=101.0, text="other", probability=1.0),)
    assert {cue.end <= 20_000 for cue in cues_of(make_segment(LONG, start=0.0, end=20.0, words=wrong))} == {True}


def test_segments_in_disorder_keep_the_order_of_the_text() -> None:
    said = [("a " * 40, 5, 9), ("b " * 40, 4, 4), ("c", 6, 2)]
    found = cues_of(*(untimed(text, start=start, end=end) for text, start, end in said))
    assert "".join("".join(cue.lines) for cue in found).replace(" ", "") == "a" * 40 + "b" * 40 + "c"
    assert [cue.start for cue in found] == [4_500, 7_000]
    assert all(before.end <= after.start and after.start < after.end for before, after in itertools.pairwise(found))


# ---------------------------------------------------------------- notation


def test_srt_cannot_be_taken_for_a_time() -> None:
    assert "-->" not in "".join(re.sub(r"^[\d:,]+ --> [\d:,]+$", "", FORMATS["srt"].render(INTERVIEW), flags=re.M))
    assert "---> " not in FORMATS["srt"].render(make_transcript(untimed("so ----> this")))


def test_vtt_escapes_what_would_be_markup() -> None:
    assert "go &amp; &lt;do&gt; it --&gt; now" in FORMATS["vtt"].render(INTERVIEW).replace("\n", " ")


SEGMENTS = st.builds(
    lambda text, start, end, words: make_segment(text, start=start, end=end, words=words),
    # Letters of every script, white space and control characters of every kind, arrows, tags.
    text=st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from(list(" \n\r\t-<>&猫。、ー\u200d\u0301\u2028")),
        max_size=300,
    ),
    start=st.floats(-1.0, 80 * 3600.0),
    end=st.floats(-1.0, 80 * 3600.0),
    words=st.lists(
        st.builds(Word, start=st.floats(0, 9), end=st.floats(0, 9), text=st.text(max_size=9), probability=st.just(0.5)),
        max_size=3,
    ).map(tuple),
)


@given(st.lists(SEGMENTS, max_size=8), st.sampled_from([Rules(), Rules(20, 1), Rules(7, 3)]))
def test_cues_keep_every_rule_whatever_is_said(segments: list[Segment], rules: Rules) -> None:
    transcript = make_transcript(segments=tuple(segments), text="", duration=1.0)
    found = cues(transcript, rules)
    said = "".join(FORMATS["txt"].render(transcript).split())
    assert "".join("".join(line for cue in found for line in cue.lines).split()) == said
    for cue in found:
        assert 0 <= cue.start < cue.end
        assert 1 <= len(cue.lines) <= rules.lines
        assert all(line.strip() == line != "" and width(line) <= rules.columns for line in cue.lines)
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


@given(st.lists(SEGMENTS, max_size=8))
def test_a_parser_reads_what_was_written(segments: list[Segment]) -> None:
    transcript = make_transcript(segments=tuple(segments), text="", duration=1.0)
    written = cues(transcript)
    for name in ("srt", "vtt"):
        text = FORMATS[name].render(transcript)
        read = SSAFile.from_string(text, format_=name)
        assert [(event.start, event.end) for event in read] == [(cue.start, cue.end) for cue in written]


@given(st.lists(st.text("abc äß猫。<>&-", min_size=1, max_size=300), max_size=5))
def test_a_player_shows_what_was_said(texts: list[str]) -> None:
    transcript = make_transcript(
        segments=tuple(untimed(text, start=9.0 * i, end=9.0 * i + 8) for i, text in enumerate(texts)), text=""
    )
    read = SSAFile.from_string(FORMATS["vtt"].render(transcript), format_="vtt", keep_html_tags=True)
    shown = [tuple(html.unescape(event.text).split("\\N")) for event in read]
    assert shown == [cue.lines for cue in cues(transcript)]


@given(st.lists(SEGMENTS, max_size=3))
def test_json_gives_the_transcript_back(segments: list[Segment]) -> None:
    transcript = make_transcript(segments=tuple(segments), text="", duration=1.0)
    text = FORMATS["json"].render(transcript)
    assert Transcript.model_validate_json(text) == transcript
    assert json.loads(text)["version"] == "1"
