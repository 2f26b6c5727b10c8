"""Words stand on the recording's clock, last as long as people speak, and make segments that fit subtitles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from container.vad import Span
from container.windows import Window
from container.words import COLUMNS, SECONDS, in_order, longest, moved, phrases, place, text_of_words
from tests.factories import make_segment
from tiro.formats.lines import width
from tiro.ports import SAMPLE_RATE, HeardWord
from tiro.transcript import Word


def window(start: float, seconds: float, *spoken: tuple[float, float]) -> Window:
    """Return a window with speech at the given seconds of the recording."""
    spans = tuple(Span(round(a * SAMPLE_RATE), round(b * SAMPLE_RATE)) for a, b in spoken)
    return Window(round(start * SAMPLE_RATE), np.zeros(round(seconds * SAMPLE_RATE), np.float32), spans)


def heard(*words: tuple[float, float, str]) -> list[HeardWord]:
    return [HeardWord(start, end, f" {text}", 0.9) for start, end, text in words]


def spoken(text: str, *, pace: float = 0.4, pauses: dict[str, float] | None = None, start: float = 0.0) -> list[Word]:
    """Return words one after the other; `pauses` are seconds after some of them."""
    words, at = [], start
    for word in text.split():
        words.append(Word(start=round(at, 3), end=round(at + pace, 3), text=f" {word}", probability=0.9))
        at += pace + (pauses or {}).get(word, 0.0)
    return words


def times(words: list[Word]) -> list[tuple[float, float]]:
    return [(word.start, word.end) for word in words]


class TestPlace:
    def test_words_stand_on_the_recordings_clock(self) -> None:
        placed = place(window(100.123, 10, (100.2, 110)), heard((0.5, 0.9, "Hello"), (0.9, 1.3, "world.")))
        assert times(placed) == [(100.623, 101.023), (101.023, 101.423)]
        assert text_of_words(placed) == "Hello world."

    def test_a_word_that_lingers_on_silence_is_drawn_in_to_its_speech(self) -> None:
        speech = window(0, 10, (2.0, 3.0), (6.0, 8.0))
        placed = place(speech, heard((0.0, 2.5, "One"), (2.5, 6.8, "two"), (6.8, 7.2, "three")))
        assert times(placed) == [(1.9, 2.5), (5.9, 6.8), (6.8, 7.2)]

    def test_nobody_says_a_short_word_for_long(self) -> None:
        placed = place(window(0, 20, (0, 20)), heard((0, 4, "So"), (4, 9, "it"), (9, 9.5, "is."), (9.5, 15, "Yes")))
        most = longest("So")
        assert placed[0].end - placed[0].start == pytest.approx(most)
        assert placed[0].end == 4, "what begins a sentence ends where its neighbour begins"
        assert placed[1].start == 4, "what follows begins where its neighbour ended"
        assert placed[3].end == 15

    def test_a_number_is_said_longer_than_it_is_written(self) -> None:
        assert longest("1813") > longest("in") + 1

    @given(
        st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30), st.sampled_from(["a", "seven,", "1813.", "你", "…"]))),
        st.lists(st.tuples(st.floats(0, 30), st.floats(0, 5)), max_size=4),
        st.floats(0, 40),
    )
    def test_whatever_was_heard_words_never_overlap(
        self, words: list[tuple[float, float, str]], speech: list[tuple[float, float]], after: float
    ) -> None:
        spans = [(10 + start, 10 + start + length) for start, length in sorted(speech)]
        placed = place(window(10, 30, *spans), heard(*words), after=after)
        assert len(placed) == len(words)
        assert all(word.start <= word.end for word in placed)
        assert all(a.end <= b.start for a, b in pairwise(placed))
        assert all(word.start >= round(after, 3) for word in placed)
        assert all(word.end - word.start <= longest(word.text) + 0.002 for word in placed)


class TestPhrases:
    def texts(self, words: list[Word]) -> list[str]:
        return [text_of_words(phrase) for phrase in phrases(words)]

    def test_what_fits_a_subtitle_stays_together(self) -> None:
        assert self.texts(spoken("Well. I do not know.")) == ["Well. I do not know."]

    def test_what_is_long_is_cut_where_a_sentence_ends(self) -> None:
        text = "He came in late and said nothing at all. She had waited for him since noon, and was not amused."
        assert self.texts(spoken(text)) == [
            "He came in late and said nothing at all.",
            "She had waited for him since noon, and was not amused.",
        ]

    def test_one_long_sentence_may_take_two_subtitles_and_no_more(self) -> None:
        sentence = "this goes on and on and on " * 3
        assert len(self.texts(spoken(sentence))) == 1
        pieces = self.texts(spoken(sentence * 4))
        assert len(pieces) > 3
        assert " ".join(pieces) == (sentence * 4).strip()

    def test_no_segment_goes_over_a_silence(self) -> None:
        assert self.texts(spoken("Are you there? Yes.", pauses={"there?": 0.6})) == ["Are you there?", "Yes."]
        assert self.texts(spoken("And then nothing", pauses={"then": 0.6})) == ["And then", "nothing"]
        assert self.texts(spoken("Are you there?", pauses={"you": 0.4})) == ["Are you there?"]

    @given(st.lists(st.tuples(st.sampled_from(["a", "the,", "internationally", "end.", "你好"]), st.floats(0, 3))))
    def test_nothing_is_lost_and_no_piece_is_endless(self, said: list[tuple[str, float]]) -> None:
        words, at = [], 0.0
        for text, pause in said:
            words.append(Word(start=at, end=at + 0.5, text=f" {text}", probability=1))
            at += 0.5 + pause
        found = phrases(words)
        assert [word for phrase in found for word in phrase] == words
        for phrase in found:
            assert phrase[-1].end - phrase[0].start <= 2 * SECONDS
            assert width(text_of_words(phrase)) <= 2 * COLUMNS


class TestOrder:
    def test_a_word_heard_twice_does_not_stand_over_another(self) -> None:
        first = make_segment("one two", start=0.0, end=2.0, words=tuple(spoken("one two", pace=1.0)))
        again = make_segment("two three", start=1.5, end=3.5, words=tuple(spoken("two three", pace=1.0, start=1.5)))
        placed = in_order([first, again])
        assert [(s.start, s.end) for s in placed] == [(0.0, 2.0), (2.0, 3.5)]
        assert [(w.start, w.end) for w in placed[1].words] == [(2.0, 2.5), (2.5, 3.5)]

    def test_channels_speak_over_each_other(self) -> None:
        left, right = (
            make_segment("one two", start=0.0, end=2.0, words=tuple(spoken("one two", pace=1.0)), channel=channel)
            for channel in ("left", "right")
        )
        assert in_order([left, right]) == (left, right)

    def test_segments_of_a_part_are_moved_with_their_words(self) -> None:
        segment = moved(make_segment("one", start=0.0, end=1.0, words=tuple(spoken("one"))), by=12.5)
        assert (segment.start, segment.end, segment.words[0].start) == (12.5, 13.5, 12.5)
