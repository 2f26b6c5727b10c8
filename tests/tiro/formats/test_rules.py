"""Subtitles as a reader wants them: how wide, how high, how long, how fast, and whose."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysubs2 import SSAFile

from tests.factories import make_segment, make_transcript
from tests.tiro.test_formats import CAT, LONG, SEGMENTS, untimed
from tiro.formats import FORMATS, Rules, render
from tiro.formats.cues import Cue, cues
from tiro.formats.lines import width
from tiro.transcript import Segment


def cues_of(*segments: Segment, **rules: Any) -> list[Cue]:
    return cues(make_transcript(*segments), Rules(**rules))


def text_of(found: list[Cue]) -> list[str]:
    return [" ".join(cue.lines) for cue in found]


# ---------------------------------------------------------------- how wide, how high


@pytest.mark.parametrize("columns", [10, 20, 37, 42, 80])
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_no_line_is_wider_and_no_word_is_cut(columns: int, lines: int) -> None:
    found = cues_of(untimed(LONG, end=30.0), columns=columns, lines=lines)
    assert max(len(cue.lines) for cue in found) <= lines
    assert max(width(line) for cue in found for line in cue.lines) <= columns
    assert " ".join(text_of(found)).split() == LONG.split()


def test_a_wide_character_counts_twice() -> None:
    found = cues_of(untimed(CAT, end=30.0), columns=26)
    assert max(len(line) for cue in found for line in cue.lines) <= 13
    assert "".join(line for cue in found for line in cue.lines) == CAT


# ---------------------------------------------------------------- how long


def test_a_cue_that_stands_too_long_is_cut_at_punctuation() -> None:
    found = cues_of(untimed("Wait for it, and then it comes.", end=10.0), seconds=7.0)
    assert text_of(found) == ["Wait for it,", "and then it comes."]
    assert found[0].end == found[1].start
    assert max(cue.end - cue.start for cue in found) <= 7_000


def test_a_long_pause_between_words_stands_empty() -> None:
    words = make_segment("first second").words
    moved = (
        words[0].model_copy(update={"start": 0.0, "end": 1.0}),
        words[1].model_copy(update={"start": 19.0, "end": 20.0}),
    )
    found = cues_of(make_segment("first second", start=0.0, end=20.0, words=moved), seconds=5.0)
    assert [(cue.start, cue.end) for cue in found] == [(0, 1_000), (19_000, 20_000)]


def test_a_single_word_that_lasts_is_taken_away_in_time() -> None:
    [cue] = cues_of(untimed("Ooooooh", end=20.0), seconds=6.0)
    assert (cue.start, cue.end) == (0, 6_000)


# ---------------------------------------------------------------- how fast


def test_what_is_too_fast_stands_on_into_the_pause() -> None:
    found = cues_of(untimed("twenty characters ok", end=0.5), untimed("later", start=9.0, end=9.9), speed=10.0)
    assert [(cue.start, cue.end) for cue in found] == [(0, 2_000), (9_000, 9_900)]


def test_it_never_stands_into_the_next_one_nor_beyond_its_longest() -> None:
    found = cues_of(untimed("twenty characters ok", end=0.5), untimed("next", start=1.6, end=2.5), speed=10.0)
    assert (found[0].end, found[1].start) == (1_600, 1_600)
    [cue] = cues_of(untimed("twenty characters ok", end=0.5), speed=1.0, seconds=3.0)
    assert cue.end == 3_000


# ---------------------------------------------------------------- whose


def test_a_channel_is_a_voice_in_vtt_alone() -> None:
    transcript = make_transcript(
        untimed("Hello & welcome.").model_copy(update={"channel": "left"}),
        untimed("Thanks.", start=5.0, end=6.0).model_copy(update={"channel": "<Q&A>\n"}),
        untimed("Nobody.", start=7.0, end=8.0),
    )
    vtt = render(transcript, "vtt")
    assert "\n<v left>Hello &amp; welcome.\n" in vtt
    assert "\n<v &lt;Q&amp;A&gt;>Thanks.\n" in vtt
    assert "\nNobody.\n" in vtt
    assert [event.plaintext for event in SSAFile.from_string(vtt, format_="vtt")][1:] == ["Thanks.", "Nobody."]
    assert "<v" not in render(transcript, "srt")


# ---------------------------------------------------------------- all of it at once


RULES = st.builds(
    Rules,
    columns=st.integers(10, 60),
    lines=st.integers(1, 4),
    seconds=st.none() | st.floats(0.5, 10),
    speed=st.none() | st.floats(1, 50),
)


@given(st.lists(SEGMENTS, max_size=6), RULES)
def test_every_rule_holds_whatever_is_said(segments: list[Segment], rules: Rules) -> None:
    transcript = make_transcript(segments=tuple(segments), text="", duration=1.0)
    found = cues(transcript, rules)
    said = "".join(FORMATS["txt"].render(transcript).split())
    assert "".join("".join(line for cue in found for line in cue.lines).split()) == said
    for cue in found:
        assert 0 <= cue.start < cue.end
        assert 1 <= len(cue.lines) <= rules.lines
        assert all(width(line) <= rules.columns for line in cue.lines)
        assert rules.seconds is None or cue.end - cue.start <= rules.seconds * 1000 + 1
    assert all(before.end <= after.start for before, after in itertools.pairwise(found))


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_render_takes_rules(name: str) -> None:
    transcript = make_transcript(untimed(LONG, end=30.0))
    narrow = render(transcript, name, Rules(columns=20, lines=1))
    assert len(SSAFile.from_string(narrow, format_=name)) > len(SSAFile.from_string(render(transcript, name)))


def test_tsv_is_whisper_s() -> None:
    transcript = make_transcript(
        untimed("Dictate,\tplease.", start=0.3204, end=1.0), untimed("Now.", start=3600.0, end=3601.5)
    )
    assert FORMATS["tsv"].render(transcript) == (
        "start\tend\ttext\n320\t1000\tDictate, please.\n3600000\t3601500\tNow.\n"
    )
