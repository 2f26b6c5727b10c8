"""Guards fire on what is not believable, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from container.judge import Flag, invented, judge, repeats, uncovered
from container.vad import Span
from container.windows import Window
from tiro.ports import SAMPLE_RATE, HeardSegment, HeardWindow

SENTENCE = " And so, my fellow Americans, ask not what your country can do for you."


def window(seconds: float = 10, *spoken: tuple[float, float]) -> Window:
    spans = tuple(Span(round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)) for a, b in spoken or ((0, seconds),))
    return Window(0, np.zeros(round(seconds * SAMPLE_RATE), np.float32), spans)


def heard(
    *segments: tuple[float, float, str], logprob: float = -0.3, silent: float = 0.1, complete: bool = True
) -> HeardWindow:
    return HeardWindow([HeardSegment(*s) for s in segments], logprob, silent, complete)


def test_plain_speech_raises_no_flag() -> None:
    assert judge(window(), heard((0, 10, SENTENCE * 2))) == frozenset()


@pytest.mark.parametrize(
    ("text", "flag"),
    [(" or" * 100, Flag.LOOP), (" in 1813," * 9, Flag.LOOP), (" Thank you.", Flag.SPARSE), ("", Flag.SPARSE)],
)
def test_a_strange_text_is_flagged(text: str, flag: Flag) -> None:
    assert flag in judge(window(), heard((0, 10, text)))


def test_in_a_short_window_a_phrase_may_be_repeated_but_not_faster_than_anybody_speaks() -> None:
    assert judge(window(8), heard((0, 8, " in 1813," * 9))) == frozenset()
    assert judge(window(8), heard((0, 8, " in 1813," * 40))) == {Flag.LOOP}


def test_the_model_may_doubt_itself() -> None:
    flags = judge(window(), heard((0, 10, SENTENCE), logprob=-1.2, silent=0.9))
    assert flags == {Flag.LOW_LOGPROB, Flag.NO_SPEECH}


@pytest.mark.parametrize(
    ("text", "times"),
    [("", 0), ("a b c", 1), ("no no no", 3), ("one two one two one two three", 3), ("好 好 好 好", 4)],
)
def test_repeats_are_counted(text: str, times: int) -> None:
    assert repeats(text) == times


def test_one_signal_drops_nothing_and_two_do() -> None:
    segment = HeardSegment(0, 5, SENTENCE)
    assert not invented(window(), segment, frozenset({Flag.NO_SPEECH}))
    assert not invented(window(10, (6, 9)), segment, frozenset())
    assert invented(window(10, (6, 9)), segment, frozenset({Flag.LOW_LOGPROB})) == {Flag.LITTLE_VOICE, Flag.LOW_LOGPROB}
    assert invented(window(), segment, frozenset({Flag.NO_SPEECH, Flag.LOW_LOGPROB}))


def test_flecks_of_voice_are_little_and_a_short_answer_is_not() -> None:
    doubted = frozenset({Flag.LOW_LOGPROB})
    flecks = window(10, (0, 0.5), (4, 4.5), (8.5, 9))
    assert invented(flecks, HeardSegment(0, 10, " Music"), doubted) == {Flag.LITTLE_VOICE, Flag.LOW_LOGPROB}
    assert not invented(window(10, (4, 5.2)), HeardSegment(0, 10, " Yes, of course."), doubted)


def test_sparse_text_is_never_a_reason_to_drop_it() -> None:
    assert not invented(window(), HeardSegment(0, 5, SENTENCE), frozenset({Flag.SPARSE, Flag.LOW_LOGPROB}))


@pytest.mark.parametrize(
    ("text", "chant"),
    [
        (" Woo! Woo! Woo!", True),
        (" Oh yeah, oh yeah. Oh yeah!", True),
        (" No, no.", False),
        (" No, no, no, never.", False),
        ("", False),
    ],
)
def test_a_chant_is_dropped_where_the_model_heard_no_speech(text: str, chant: bool) -> None:
    dropped = {Flag.NO_SPEECH, Flag.LOOP} if chant else set()
    assert invented(window(), HeardSegment(0, 5, text), frozenset({Flag.NO_SPEECH})) == dropped
    assert not invented(window(), HeardSegment(0, 5, text), frozenset({Flag.LOW_LOGPROB}))


def _seconds(spans: tuple[Span, ...]) -> list[tuple[float, float]]:
    return [(s.start / SAMPLE_RATE, s.end / SAMPLE_RATE) for s in spans]


def test_speech_without_text_is_found_wherever_it_is() -> None:
    text = heard((4, 10, SENTENCE), (15, 20, SENTENCE))
    assert _seconds(uncovered(window(30), text)) == [(0, 4), (10, 15), (20, 30)]


def test_silence_without_text_is_as_it_should_be() -> None:
    assert uncovered(window(30, (4, 10), (15, 20)), heard((4, 10, SENTENCE), (15, 20, SENTENCE))) == ()


def test_a_text_that_breaks_off_is_suspected_sooner() -> None:
    assert not uncovered(window(10), heard((0, 9, SENTENCE), complete=True))
    assert _seconds(uncovered(window(10), heard((0, 9, SENTENCE), complete=False))) == [(9, 10)]
