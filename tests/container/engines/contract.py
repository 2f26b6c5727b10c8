"""What every engine promises `tiro.ports.SpeechEngine`, on real weights and real speech.

Words and times are held within tests/tolerance.py. What one engine says twice is compared exactly: both hearings are of
one process on one CPU, so that rounding is the same in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import chain, pairwise
from statistics import median

import numpy as np
import pytest

from container.audio import Recording
from container.weights import Weights, WeightsUnavailable, load_weights
from sandbox.up import SAMPLE
from tests.quality import normalise
from tests.sandbox.stack import error_rate
from tests.tolerance import MOST_WRONG, NEAR
from tiro.errors import InvalidRequest
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, HeardWindow, HeardWord, SpeechEngine

ENGLISH = DecodeOptions(language="en")


def base() -> Weights:
    """Return the weights that the tests hear with. Skips where there are none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        try:
            return load_weights("base")
        except WeightsUnavailable as error:
            pytest.skip(str(error))


def read_sample() -> PCM:
    with SAMPLE.open("rb") as file, Recording(file, max_seconds=60) as recording:
        return np.concatenate(list(recording.blocks()))[: 30 * SAMPLE_RATE]


def silence(seconds: float) -> PCM:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


def text_of(heard: HeardWindow) -> str:
    return "".join(segment.text for segment in heard.segments)


def words_in(engine: SpeechEngine, pcm: PCM, options: DecodeOptions = ENGLISH) -> list[HeardWord]:
    encoded = engine.encode([pcm])
    (segments,) = engine.align(encoded, engine.decode(encoded, options), options)
    return list(chain.from_iterable(segments))


def same_words(one: Sequence[HeardWord], two: Sequence[HeardWord], language: str) -> list[tuple[HeardWord, HeardWord]]:
    """Pair the words that two hearings have in common, in order; a word that only one of them has shifts no other."""
    left, right = ([normalise(word.text, language) for word in words] for words in (one, two))
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    return [(one[block.a + i], two[block.b + i]) for block in blocks for i in range(block.size)]


def text_of_words(words: Sequence[HeardWord]) -> str:
    return "".join(word.text for word in words)


class SpeechEngineContract:
    """A subclass brings the fixture `engine`."""

    @pytest.fixture
    def speech(self) -> PCM:
        return read_sample()

    def test_it_hears_words_at_their_times(self, engine: SpeechEngine, speech: PCM) -> None:
        late = np.concatenate([silence(5), speech])[: 30 * SAMPLE_RATE]
        (now,), (then,) = (engine.decode(engine.encode([pcm]), ENGLISH) for pcm in (speech, late))
        assert error_rate(text_of(now)) <= MOST_WRONG
        assert then.segments[-1].end - now.segments[-1].end == pytest.approx(5, abs=NEAR)
        assert -1 < now.avg_logprob < 0
        assert now.no_speech_prob < 0.5

    def test_a_window_is_heard_alike_alone_and_in_company(self, engine: SpeechEngine, speech: PCM) -> None:
        company = [speech[: 3 * SAMPLE_RATE], speech, silence(2), speech[: 8 * SAMPLE_RATE], speech[SAMPLE_RATE:]]
        together = engine.decode(engine.encode(company), ENGLISH)
        alone = [engine.decode(engine.encode([pcm]), ENGLISH)[0] for pcm in company]
        assert [text_of(heard) for heard in together] == [text_of(heard) for heard in alone]

    def test_segments_stay_inside_their_window(self, engine: SpeechEngine, speech: PCM) -> None:
        cut = speech[: int(3.3 * SAMPLE_RATE)]
        for heard in engine.decode(engine.encode([cut]), ENGLISH):
            assert heard.segments
            assert all(0 <= s.start <= s.end <= 3.3 for s in heard.segments)

    def test_languages_come_with_probabilities(self, engine: SpeechEngine, speech: PCM) -> None:
        (chances,) = engine.detect_language(engine.encode([speech]))
        assert max(chances, key=lambda language: chances[language]) == "en"
        assert sum(chances.values()) == pytest.approx(1, abs=0.01)
        assert all(len(language) in (2, 3) for language in chances)

    def test_a_language_the_model_lacks_is_refused_by_name(self, engine: SpeechEngine, speech: PCM) -> None:
        with pytest.raises(InvalidRequest, match="yue"):
            engine.decode(engine.encode([speech]), DecodeOptions(language="yue"))

    def test_silence_is_most_likely_no_speech(self, engine: SpeechEngine) -> None:
        (heard,) = engine.decode(engine.encode([silence(3)]), ENGLISH)
        assert heard.no_speech_prob > 0.6

    @pytest.mark.parametrize("name", ["Tiro", "Tyro"])
    def test_a_prompt_tells_how_a_name_is_spelled(self, engine: SpeechEngine, speech: PCM, name: str) -> None:
        told = DecodeOptions(language="en", prompt=f"This is about {name}, the secretary of Cicero.")
        (heard,) = engine.decode(engine.encode([speech]), told)
        assert name in text_of(heard)

    def test_a_prompt_may_be_longer_than_a_window_holds(self, engine: SpeechEngine, speech: PCM) -> None:
        told = DecodeOptions(language="en", prompt="stylus and wax, " * 200 + "and Tyro, the scribe.")
        (heard,) = engine.decode(engine.encode([speech]), told)
        assert "Tyro" in text_of(heard)

    def test_what_is_sampled_is_the_same_for_the_same_seed(self, engine: SpeechEngine, speech: PCM) -> None:
        encoded = engine.encode([speech[: 5 * SAMPLE_RATE]])

        def sample(seed: int) -> list[str]:
            hot = DecodeOptions(language="en", temperature=1.0, seed=seed)
            return [text_of(heard) for heard in engine.decode(encoded, hot)]

        assert sample(3) == sample(3)
        assert len({tuple(sample(seed)) for seed in range(3, 6)}) > 1

    def test_what_is_sampled_is_the_same_whoever_is_beside(self, engine: SpeechEngine, speech: PCM) -> None:
        hot = DecodeOptions(language="en", temperature=1.0, seed=3)
        (alone,) = engine.decode(engine.encode([speech[: 5 * SAMPLE_RATE]]), hot)
        among = engine.decode(engine.encode([speech[: 3 * SAMPLE_RATE], speech[: 5 * SAMPLE_RATE], silence(1)]), hot)[1]
        assert text_of(among) == text_of(alone)

    def test_words_have_their_times_in_order_inside_the_window(self, engine: SpeechEngine, speech: PCM) -> None:
        windows = [speech, silence(1), speech[: 4 * SAMPLE_RATE]]
        encoded = engine.encode(windows)
        heard = engine.decode(encoded, ENGLISH)
        aligned = engine.align(encoded, heard, ENGLISH)
        assert len(aligned) == len(windows)
        for pcm, window, segments in zip(windows, heard, aligned, strict=True):
            assert ["".join(w.text for w in words) for words in segments] == [s.text for s in window.segments]
            words = list(chain.from_iterable(segments))
            assert all(0 <= w.start <= w.end <= len(pcm) / SAMPLE_RATE for w in words)
            assert all(a.end <= b.start for a, b in pairwise(words))
            assert all(0 <= w.probability <= 1 for w in words)

    def test_words_are_where_they_are_said(self, engine: SpeechEngine, speech: PCM) -> None:
        late = np.concatenate([silence(5), speech])
        now, then = (words_in(engine, pcm) for pcm in (speech, late))
        pairs = same_words(now, then, "en")
        assert len(pairs) >= (1 - MOST_WRONG) * len(now)
        assert median(b.end - a.end for a, b in pairs) == pytest.approx(5, abs=0.1)

    def test_a_window_without_text_has_no_words(self, engine: SpeechEngine, speech: PCM) -> None:
        encoded = engine.encode([speech, speech])
        empty = HeardWindow([], avg_logprob=0.0, no_speech_prob=1.0, complete=True)
        (heard, _) = engine.decode(encoded, ENGLISH)
        none, some = engine.align(encoded, [empty, heard], ENGLISH)
        assert not list(none)
        assert len(some) == len(heard.segments)
        assert [list(words) for words in engine.align(encoded, [empty, empty], ENGLISH)] == [[], []]
