"""Speech is found in a stream, however it is cut, and everywhere that somebody speaks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.vad import FRAME, SileroModel, Span, SpanTracker, VadOptions
from tests.container.sound import tone

OPTIONS = VadOptions(begin=0.5, end=0.3, min_silence=3 * FRAME, min_speech=2 * FRAME)


def spans(probabilities: Sequence[float], *, length: int | None = None) -> list[tuple[int, int]]:
    """Return spans in frames."""
    tracker = SpanTracker(OPTIONS)
    found = [*tracker.feed(np.array(probabilities, np.float32))]
    found += tracker.finish(len(probabilities) * FRAME if length is None else length)
    return [(span.start // FRAME, span.end // FRAME) for span in found]


def test_speech_begins_high_and_ends_low() -> None:
    assert spans([0, 0.4, 0.6, 0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0]) == [(2, 6)]


def test_a_short_silence_ends_nothing() -> None:
    assert spans([1, 1, 0, 0, 1, 1, 0, 0, 0]) == [(0, 6)]


def test_a_click_is_no_speech() -> None:
    assert spans([0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0]) == [(6, 8)]


def test_speech_until_the_end_ends_with_the_recording() -> None:
    assert spans([0, 1, 1, 1]) == [(1, 4)]
    assert spans([0, 1, 1, 0]) == [(1, 3)]
    tracker = SpanTracker(OPTIONS)
    list(tracker.feed(np.ones(4, np.float32)))
    assert list(tracker.finish(4 * FRAME - 100)) == [Span(0, 4 * FRAME - 100)]


PROBABILITIES = st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), max_size=60)


@given(probabilities=PROBABILITIES, cuts=st.lists(st.integers(0, 60), max_size=5))
def test_spans_do_not_depend_on_how_the_stream_is_cut(probabilities: list[float], cuts: list[int]) -> None:
    tracker = SpanTracker(OPTIONS)
    found: list[Span] = []
    for piece in np.split(np.array(probabilities, np.float32), sorted(min(c, len(probabilities)) for c in cuts)):
        found += tracker.feed(piece)
    found += tracker.finish(len(probabilities) * FRAME)
    assert [(s.start // FRAME, s.end // FRAME) for s in found] == spans(probabilities)


@given(probabilities=PROBABILITIES)
def test_spans_come_in_order_and_apart(probabilities: list[float]) -> None:
    found = spans(probabilities)
    assert all(start < end for start, end in found)
    assert all(a[1] + OPTIONS.min_silence // FRAME <= b[0] for a, b in pairwise(found))


@pytest.fixture(scope="module")
def silero() -> SileroModel:
    return SileroModel()


def test_silence_and_tones_are_no_speech(silero: SileroModel) -> None:
    for sound in (np.zeros(FRAME * 100, np.float32), tone(FRAME * 100 / 16_000)):
        assert silero.detector()(sound.reshape(-1, FRAME)).max() < 0.4


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 63), max_size=4))
def test_the_model_carries_its_state_over_a_cut(silero: SileroModel, cuts: list[int]) -> None:
    frames = np.random.default_rng(7).normal(0, 0.1, (64, FRAME)).astype(np.float32)
    whole = silero.detector()(frames)
    detector = silero.detector()
    pieces = [detector(piece) for piece in np.split(frames, sorted(set(cuts))) if len(piece)]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-5)


def test_another_detector_goes_on_from_a_state(silero: SileroModel) -> None:
    frames = np.random.default_rng(7).normal(0, 0.1, (64, FRAME)).astype(np.float32)
    first = silero.detector()
    first(frames[:32])
    second = silero.detector(first.state)
    np.testing.assert_array_equal(second(frames[32:]), first(frames[32:]))


def test_two_recordings_share_no_state(silero: SileroModel) -> None:
    frames = np.random.default_rng(7).normal(0, 0.1, (32, FRAME)).astype(np.float32)
    first = silero.detector()(frames)
    np.testing.assert_array_equal(silero.detector()(frames), first)
