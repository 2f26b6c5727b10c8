"""Cues that can be read: how long they stand, what is joined, and voices that talk over each other."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from pysubs2 import SSAFile

from tests.cues_report import judge
from tests.factories import make_segment, make_transcript
from tests.talk import transcripts
from tests.tiro.test_formats import untimed
from tiro.formats import FORMATS, render
from tiro.formats.cues import Cue, cues
from tiro.formats.rules import Rules
from tiro.transcript import Segment, Transcript, Word


def said(text: str, start: float, end: float, channel: str | None = None) -> Segment:
    return untimed(text, start=start, end=end).model_copy(update={"channel": channel})


def cues_of(*segments: Segment, language: str = "en", duration: float = 100.0, **rules: Any) -> list[Cue]:
    return cues(make_transcript(*segments, language=language, duration=duration), Rules(**rules))


def times(found: list[Cue]) -> list[tuple[int, int]]:
    return [(cue.start, cue.end) for cue in found]


def texts(found: list[Cue]) -> list[str]:
    return [" ".join(cue.lines) for cue in found]


# ---------------------------------------------------------------- voices


def test_two_who_talk_at_once_are_shown_at_once() -> None:
    found = cues_of(said("And so my fellow Americans,", 0.2, 2.1, "left"), said("Hello.", 0.6, 0.9, "right"))
    assert [(c.voice, c.start, c.end) for c in found] == [("left", 200, 2_100), ("right", 600, 1_433)]


def test_cues_are_in_the_order_of_their_starts() -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    found = cues_of(said(long, 0.0, 10.0, "left"), said("Yes.", 2.0, 3.0, "right"), said("No.", 4.5, 5.4, "right"))
    assert [cue.voice for cue in found] == ["left", "right", "right", "left"]
    vtt = render(make_transcript(said(long, 0.0, 10.0, "left"), said("Yes.", 2.0, 3.0, "right")), "vtt")
    starts = [event.start for event in SSAFile.from_string(vtt, format_="vtt")]
    assert starts == sorted(starts)


def test_voices_are_never_joined() -> None:
    found = cues_of(said("Yes.", 1.0, 1.1, "left"), said("No.", 1.1, 1.2, "right"))
    assert texts(found) == ["Yes.", "No."]


# ---------------------------------------------------------------- long enough


def test_a_short_cue_stands_on_into_the_pause() -> None:
    assert times(cues_of(said("Yes.", 1.0, 1.2), said("No.", 5.0, 6.0))) == [(1_000, 1_833), (5_000, 6_000)]


def test_one_that_lasts_no_time_stands_as_long() -> None:
    assert times(cues_of(said("Yes.", 1.0, 1.0))) == [(1_000, 1_833)]


def test_it_appears_earlier_where_the_pause_is_before_it() -> None:
    full = "which goes on for so long that it is all of a cue and leaves no room for another"
    found = cues_of(said("Yes.", 5.0, 5.2), said(full, 5.3, 9.5))
    assert times(found) == [(4_467, 5_300), (5_300, 9_500)]


def test_at_the_end_of_the_recording_it_appears_earlier() -> None:
    assert times(cues_of(said("Bye.", 9.5, 9.8), duration=10.0)) == [(9_167, 10_000)]
    assert times(cues_of(said("Bye.", 0.1, 0.2), duration=0.4)) == [(0, 833)], "or stands on after it"


def test_neighbours_with_no_room_are_joined() -> None:
    found = cues_of(said("Yes.", 1.0, 1.2), said("I do.", 1.2, 1.5), said("Later.", 9.0, 10.0))
    assert texts(found) == ["Yes. I do.", "Later."]
    assert times(found)[0] == (1_000, 1_833)


def test_joined_japanese_has_no_space() -> None:
    found = cues_of(said("はい。", 1.0, 1.2), said("そうです。", 1.2, 1.5), language="ja")
    assert texts(found) == ["はい。そうです。"]


def test_nothing_is_joined_over_a_long_pause() -> None:
    found = cues_of(said("twenty characters ok" * 2, 1.0, 1.2), said("Later.", 2.3, 3.3))
    assert len(found) == 2


def test_where_no_cue_holds_both_the_text_is_cut_elsewhere() -> None:
    full = "which goes on for so long that it is all of a cue and leaves no room for another"
    found = cues_of(said(full, 0.0, 6.0), said("Yes.", 6.0, 6.2), said(full, 6.2, 12.0))
    assert " ".join(texts(found)) == f"{full} Yes. {full}"
    assert all(cue.end - cue.start >= 833 for cue in found)


def test_what_was_cut_elsewhere_may_still_be_joined() -> None:
    text = "a a a country country country internationally internationally a went Yes. a country internationally"
    times_of_words = [0.5] * 4 + [0.25] * 5 + [0.125] * 2 + [0.5] * 3
    ends = list(itertools.accumulate(times_of_words))
    words = tuple(
        Word(start=end - seconds, end=end, text=word, probability=0.9)
        for word, seconds, end in zip(text.split(), times_of_words, ends, strict=True)
    )
    found = cues_of(make_segment(text, start=0.0, end=5.0, words=words), duration=5.0)
    assert " ".join(texts(found)) == text
    assert all(cue.end - cue.start >= 833 for cue in found)


def test_joined_cues_obey_the_rules() -> None:
    found = cues_of(said("one two", 0.0, 0.3), said("three", 0.3, 0.5), columns=10, lines=1)
    assert texts(found) == ["one two", "three"]


@pytest.mark.parametrize(
    ("language", "text", "seconds"),
    [
        ("en", "a" * 40, 2.0),
        ("ja", "吾" * 21, 3.0),
        ("zh", "我" * 11, 1.0),
        ("zh-Hant", "我" * 22, 2.0),
        ("yue", "我" * 11, 1.0),
        ("ko", "저" * 14, 1.0),
        ("th", "ที่" * 40, 2.0),
    ],
)
def test_a_language_is_read_at_its_own_speed(language: str, text: str, seconds: float) -> None:
    [cue] = cues_of(untimed(text, start=1.0, end=1.1), language=language)
    assert cue.end - cue.start == pytest.approx(1000 * seconds, abs=1)


def test_a_segment_s_own_language_counts() -> None:
    segment = untimed("我" * 14, start=1.0, end=1.1).model_copy(update={"language": "ja"})
    [cue] = cues_of(segment, language="en")
    assert cue.end - cue.start == 2_000


def test_a_speed_that_is_asked_for_counts_for_every_language() -> None:
    [cue] = cues_of(untimed("我" * 14, start=1.0, end=1.1), language="zh", speed=7.0)
    assert cue.end - cue.start == 4_000


def test_no_cue_stands_over_seven_seconds_unless_that_is_asked_for() -> None:
    long = untimed("Wait for it, and then it comes.", end=12.0)
    assert max(cue.end - cue.start for cue in cues_of(long)) <= 7_000
    assert times(cues_of(long, seconds=None)) == [(0, 12_000)]


# ---------------------------------------------------------------- odd times


def test_segments_over_each_other_share_the_time() -> None:
    found = cues_of(said("x" * 40, 0.0, 4.0), said("y" * 40, 0.5, 4.5))
    assert times(found) == [(0, 2_000), (2_000, 4_500)]


@pytest.mark.parametrize("wrong", [-5.0, 0.0])  # a transcript holds finite times only: what is not, it refuses
def test_times_that_are_none_harm_nothing(wrong: float) -> None:
    words = (
        Word(start=wrong, end=1.0, text="one", probability=1),
        Word(start=0.5, end=wrong, text="two", probability=1),
    )
    found = cues_of(make_segment("one two", start=0.0, end=wrong, words=words))
    assert texts(found) == ["one two"]
    assert 0 <= found[0].start < found[0].end


# ---------------------------------------------------------------- all of it at once


@settings(deadline=None)
@given(transcripts())
def test_all_that_is_said_is_shown_in_order_and_can_be_read(transcript: Transcript) -> None:
    found = cues(transcript)
    assert found == sorted(found, key=lambda cue: cue.start)
    for voice in {segment.channel for segment in transcript.segments}:
        mine = [cue for cue in found if cue.voice == voice]
        assert " ".join(texts(mine)) == " ".join(
            segment.text for segment in transcript.segments if segment.channel == voice
        )
        assert all(a.end <= b.start for a, b in itertools.pairwise(mine))
    verdicts = judge(transcript, found)
    assert len(verdicts) == len(found)
    assert [verdict for verdict in verdicts if verdict.short and not verdict.reason] == []


@settings(deadline=None)
@given(transcripts())
def test_segments_stay_as_they_are_elsewhere(transcript: Transcript) -> None:
    assert len(FORMATS["tsv"].render(transcript).splitlines()) == 1 + len(transcript.segments)
    assert len(FORMATS["txt"].render(transcript).splitlines()) == len(transcript.segments)
