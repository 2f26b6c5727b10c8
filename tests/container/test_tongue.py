"""Windows vote for a language, and the caller says what is done where they are unsure."""

from __future__ import annotations

import numpy as np
import pytest

from container.tongue import Tongue, Vote
from container.vad import Span
from container.windows import Window
from tiro.errors import LanguageUnsure
from tiro.ports import SAMPLE_RATE
from tiro.request import Options


def window(speech: float) -> Window:
    samples = round(speech * SAMPLE_RATE)
    return Window(0, np.zeros(samples, np.float32), (Span(0, samples),))


def vote(tongue: Tongue, *votes: tuple[float, dict[str, float]]) -> Tongue:
    """Let windows of so many seconds of speech decide, and count their votes."""
    cast = [Vote.of(window(speech), chances) for speech, chances in votes]
    tongue.decide(cast)
    for each in cast:
        tongue.count(each.speech, [each])
    return tongue


UNSURE = (20.0, {"de": 0.4, "nl": 0.35})


def test_speech_is_weight() -> None:
    tongue = vote(Tongue(Options()), (2, {"en": 0.9, "de": 0.1}), (20, {"en": 0.2, "de": 0.8}))
    assert tongue.language == "de"
    assert tongue.probability == pytest.approx((2 * 0.1 + 20 * 0.8) / 22, abs=1e-4)


@pytest.mark.parametrize("chance", [float("nan"), float("inf")])
def test_of_a_window_what_is_no_probability_names_no_language(chance: float) -> None:
    tongue = vote(Tongue(Options(multilingual=True)), (20, {"en": 0.9}))
    assert tongue.of({"de": chance, "fr": 0.8}) == "fr"
    assert tongue.of({"de": chance}) == "en"


def test_a_language_that_is_named_needs_no_vote() -> None:
    tongue = Tongue(Options(language="fr"))
    assert (tongue.language, tongue.asks(window(5)), tongue.probability) == ("fr", False, None)


@pytest.mark.parametrize(("policy", "language", "probability"), [("guess", "de", 0.4), ("nl", "nl", 0.35)])
def test_where_it_is_unsure_the_caller_decides(policy: str, language: str, probability: float) -> None:
    tongue = vote(Tongue(Options(if_unsure=policy)), UNSURE)
    assert (tongue.language, tongue.probability) == (language, probability)
    assert tongue.warnings == ()


def test_the_caller_may_rather_have_none() -> None:
    with pytest.raises(LanguageUnsure, match=r"most likely de, with a probability of 0\.40; at least 0\.5"):
        vote(Tongue(Options(if_unsure="fail")), UNSURE)
    assert vote(Tongue(Options(if_unsure="fail", language_threshold=0.4)), UNSURE).language == "de"


def test_later_windows_vote_ever_less_often_and_change_nothing_but_the_probability() -> None:
    tongue, asked = Tongue(Options()), list[int]()
    for number in range(100):
        votes = []
        if tongue.asks(window(30)):
            asked.append(number)
            votes = [Vote.of(window(30), {"en": 0.9} if number == 0 else {"en": 0.1, "de": 0.9})]
            tongue.decide(votes)
        tongue.count(30, votes)
    assert asked == [0, 1, 2, 3, 7, 15, 31, 63]
    assert tongue.language == "en"
    assert tongue.probability == pytest.approx((0.9 + 7 * 0.1) / 8, abs=1e-4)
    assert "most of it sounds like de" in tongue.warnings[0]


def test_another_tongue_goes_on_with_what_is_known() -> None:
    first = vote(Tongue(Options()), (100, {"en": 0.9}), (30, {"en": 0.6, "de": 0.4}))
    second = Tongue(Options(), first.known)
    assert (second.language, second.probability) == (first.language, first.probability)
    assert [second.asks(window(30)) for _ in range(5)] == [False, False, False, True, False]


def test_a_multilingual_recording_is_asked_everywhere() -> None:
    tongue = vote(Tongue(Options(multilingual=True)), (20, {"en": 0.9}))
    assert all(tongue.asks(window(500)) for _ in range(5))
    assert tongue.of({"fr": 0.8, "en": 0.1}) == "fr"
    assert tongue.of({"fr": 0.3, "it": 0.3}) == "en", "what is unsure is what the rest is"
    vote(tongue, (60, {"fr": 1.0}))
    assert (tongue.spoken, tongue.warnings) == ("fr", ())
