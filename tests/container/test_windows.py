"""Windows hold all the speech, in order, on the recording's clock, none longer than Whisper can hear."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.vad import FRAME, Span
from container.windows import LONGEST, PAD, PAUSE, Cut, Window, best_pause, cut, quietest
from tiro.ports import PCM, SAMPLE_RATE


class Loud:
    """Takes whatever is loud for speech."""

    state = ""

    def detector(self, state: str = "") -> Loud:
        return self

    def __call__(self, frames: Any) -> Any:
        return (np.abs(frames).max(axis=1) > 0.5).astype(np.float32)


def recording(*pieces: tuple[float, float]) -> PCM:
    """Return alternating silence and speech of so many seconds; every sample says where it is."""
    parts = []
    for silent, spoken in pieces:
        parts += [np.zeros(_frames(silent)), np.full(_frames(spoken), 1.0)]
    level = np.concatenate(parts)
    return (level + np.arange(len(level)) / len(level) / 10).astype(np.float32)


def _frames(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE / FRAME) * FRAME


def windows_of(pcm: PCM, sizes: Sequence[int] = (8000,)) -> list[Window]:
    return [piece.window for piece in cut(blocks_of(pcm, sizes), Loud()) if piece.window]


def blocks_of(pcm: PCM, sizes: Sequence[int] = (8000,)) -> list[PCM]:
    blocks, at, i = [], 0, 0
    while at < len(pcm):
        size = sizes[i % len(sizes)]
        blocks.append(pcm[at : at + size])
        at, i = at + size, i + 1
    return blocks


SPEECH = st.lists(st.tuples(st.floats(0.4, 9), st.floats(0.3, 70)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(pieces=SPEECH, tail=st.floats(0, 7))
def test_windows_keep_what_they_promise(pieces: list[tuple[float, float]], tail: float) -> None:
    pcm = recording(*pieces, (tail, 0))
    windows = windows_of(pcm)
    for window in windows:
        assert 0 < len(window.pcm) <= LONGEST
        np.testing.assert_array_equal(window.pcm, pcm[window.start : window.end])
        assert window.spans
        assert all(window.start <= s.start < s.end <= window.end for s in window.spans)
    assert all(a.end <= b.start for a, b in pairwise(windows))
    covered = np.zeros(len(pcm), bool)
    for window in windows:
        covered[window.start : window.end] = True
    assert covered[pcm >= 1].all(), "no speech is lost"
    spoken = np.zeros(len(pcm), bool)
    for span in (s for window in windows for s in window.spans):
        spoken[span.start : span.end] = True
    assert (spoken[pcm >= 1]).all(), "each window knows its speech"


@settings(max_examples=30, deadline=None)
@given(pieces=SPEECH, sizes=st.lists(st.integers(1000, 200_000), min_size=1, max_size=5))
def test_windows_do_not_depend_on_how_the_stream_is_cut(pieces: list[tuple[float, float]], sizes: list[int]) -> None:
    pcm = recording(*pieces)
    one, other = windows_of(pcm), windows_of(pcm, sizes)
    assert [(w.start, w.end, w.spans) for w in one] == [(w.start, w.end, w.spans) for w in other]


@settings(max_examples=30, deadline=None)
@given(pieces=SPEECH, tail=st.floats(0, 90))
def test_a_recording_left_after_any_cut_is_cut_on_as_if_it_had_not_been(
    pieces: list[tuple[float, float]], tail: float
) -> None:
    blocks = blocks_of(recording(*pieces, (tail, 0)))
    whole = list(cut(blocks, Loud()))
    for i, left in enumerate(whole, 1):
        rest = list(cut(blocks, Loud(), left.rest))
        assert [seen(piece) for piece in rest] == [seen(piece) for piece in whole[i:]]


def seen(piece: Cut) -> tuple[Any, ...]:
    return piece.rest, piece.window and (piece.window.start, piece.window.spans, piece.window.pcm.tobytes())


def test_a_long_silence_says_that_it_is_one() -> None:
    pieces = list(cut(blocks_of(recording((100, 0))), Loud()))
    assert [piece.window for piece in pieces] == [None] * 3
    assert [piece.rest.seconds for piece in pieces] == pytest.approx([31, 62, 93], abs=2.1)


def test_silence_has_no_windows() -> None:
    assert windows_of(recording((100, 0))) == []


def test_short_stretches_share_a_window_and_a_long_pause_ends_one() -> None:
    apart = PAUSE / SAMPLE_RATE + 1
    windows = windows_of(recording((2, 3), (1, 3), (apart, 3)))
    assert [len(w.spans) for w in windows] == [2, 1]
    assert windows[0].start == _frames(2) - PAD


def test_a_window_is_cut_at_a_pause() -> None:
    windows = windows_of(recording((0.5, 20), (0.6, 20)))
    assert [round(w.speech) for w in windows] == [20, 20]


def test_one_long_stretch_is_cut_where_it_is_quietest() -> None:
    pcm = recording((0, 45))
    quiet = slice(25 * SAMPLE_RATE, 25 * SAMPLE_RATE + 3 * FRAME)
    pcm[quiet] *= 0.7
    first, second = windows_of(pcm)
    assert abs(first.end - quiet.start) < 4 * FRAME
    assert second.start == first.end


def test_memory_holds_little_more_than_a_window() -> None:
    held = []

    class Watching(Loud):
        def __call__(self, frames: Any) -> Any:
            held.append(len(frames))
            return super().__call__(frames)

    list(cut((recording((0, 30)) for _ in range(10)), Watching()))
    assert max(held) <= 64


def test_a_part_keeps_the_clock() -> None:
    window = Window(1000, np.arange(500, dtype=np.float32), (Span(1100, 1200), Span(1300, 1400)))
    part = window.part(1150, 1350)
    assert (part.start, part.end, part.spans) == (1150, 1350, (Span(1150, 1200), Span(1300, 1350)))
    assert part.pcm[0] == 150


def test_the_best_pause_is_long_and_late() -> None:
    spans = (Span(0, 1000), Span(9000, 50_000), Span(50_500, 60_000), Span(68_000, 70_000))
    assert best_pause(spans, 0, 80_000) == (Span(50_500, 60_000), Span(68_000, 70_000))
    assert best_pause(spans, 48_000, 58_000) == (Span(9000, 50_000), Span(50_500, 60_000))
    assert best_pause(spans, 10_000, 40_000) is None


def test_the_quietest_place_is_found_within_bounds() -> None:
    pcm = np.ones(40 * FRAME, np.float32)
    pcm[10 * FRAME : 15 * FRAME] = 0.1
    pcm[30 * FRAME : 35 * FRAME] = 0
    assert quietest(pcm, 0, 25 * FRAME) == round(12.5 * FRAME)
    assert quietest(pcm, 0, 100) == 50
