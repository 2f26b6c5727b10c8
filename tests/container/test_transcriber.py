"""A recording is heard to its end: what is doubtful is redone by what cures it, and nothing is invented."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.hearing import LADDER
from container.judge import Flag
from container.transcriber import HELD_UP, WindowTranscriber
from tests.container.engine import LONG_ENOUGH, FakeEngine, LoudVad, said
from tests.container.sound import silence, tone, write
from tests.files import LocalFiles
from tiro.errors import EngineFailed, LeaseLost, MediaNotFound, MediaTooLong
from tiro.job import Media
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, HeardWindow, OnProgress, Transcriber
from tiro.request import Options
from tiro.stored import encode
from tiro.transcript import Transcript

LOOP = said((0, 10, " or" * 100))
DOUBTFUL = said((0, 6, LONG_ENOUGH), logprob=-1.5)

Hear = Callable[..., Transcript]


@pytest.fixture
def hear(tmp_path: Path) -> Hear:
    """Transcribe stretches of speech, in seconds, that stand a second (or `apart`) apart."""

    def hear(
        engine: FakeEngine,
        *stretches: float,
        apart: float = 6,
        batch_size: int = 4,
        language: str | None = "en",
        on_progress: OnProgress = lambda done, total: None,
    ) -> Transcript:
        pieces = [piece for seconds in stretches for piece in (silence(apart), tone(seconds))]
        write(tmp_path / "a.flac", np.concatenate([*pieces, silence(1)]), codec="flac")
        files = LocalFiles(tmp_path)
        transcriber: Transcriber = WindowTranscriber(media=files, engine=engine, vad=LoudVad(), batch_size=batch_size)
        options = Options(language=language)
        return transcriber.transcribe(files.media("a.flac"), options, max_seconds=3600, on_progress=on_progress)

    return hear


def test_segments_stand_on_the_recordings_clock(hear: Hear, tmp_path: Path) -> None:
    # each window begins a second before its speech, which begins at 6, 17 and 28 s
    transcript = hear(FakeEngine(*[said((1, 6, f" Number {i}, and some more.")) for i in range(3)]), 5, 5, 5)
    assert [s.start for s in transcript.segments] == pytest.approx([6, 17, 28], abs=0.15)
    assert [s.end for s in transcript.segments] == pytest.approx([11, 22, 33], abs=0.15)
    assert transcript.text == "Number 0, and some more. Number 1, and some more. Number 2, and some more."
    assert transcript.duration == pytest.approx(34, abs=0.01)
    assert transcript.segments[0].flags == ()
    assert transcript.segments[0].avg_logprob == -0.3
    assert transcript.engine.name == "fake"
    assert transcript.media_sha256 == hashlib.sha256((tmp_path / "a.flac").read_bytes()).hexdigest()


def test_times_are_drawn_in_to_the_speech(hear: Hear) -> None:
    transcript = hear(FakeEngine(said((0, 7, LONG_ENOUGH))), 5)
    assert transcript.segments[0].start == pytest.approx(6, abs=0.15)
    assert transcript.segments[0].end == pytest.approx(11, abs=0.15)


def test_windows_are_decoded_in_batches(hear: Hear) -> None:
    engine = FakeEngine()
    hear(engine, *[3.0] * 5, batch_size=2)
    assert engine.batches == [2, 2, 1]


def test_silence_is_a_success_without_text(hear: Hear) -> None:
    engine = FakeEngine()
    transcript = hear(engine, apart=3)
    assert (transcript.text, transcript.no_speech, transcript.language) == ("", True, "zxx")
    assert (transcript.segments, transcript.language_probability, engine.decoded) == ((), None, [])


class PhraseEngine(FakeEngine):
    """Says one phrase for each stretch of sound that it is given, however windows are cut."""

    def encode(self, windows: Sequence[PCM]) -> Any:
        return list(windows)

    def decode(self, encoded: Any, options: DecodeOptions) -> Sequence[HeardWindow]:
        return [said(*((start, end, " in 1813") for start, end in self._sounds(pcm))) for pcm in encoded]

    def _sounds(self, pcm: PCM) -> list[tuple[float, float]]:
        """Return start and end of each stretch of sound, in seconds; a zero crossing ends none."""
        loud = np.flatnonzero(np.abs(pcm) > 0.01)
        stretches = np.split(loud, np.flatnonzero(np.diff(loud) > 0.1 * SAMPLE_RATE) + 1)
        return [(part[0] / SAMPLE_RATE, part[-1] / SAMPLE_RATE) for part in stretches if len(part)]


@pytest.mark.parametrize("times", [7, 20, 40])
def test_a_phrase_is_written_exactly_as_often_as_it_is_said(hear: Hear, times: int) -> None:
    """A long run of it looks like a loop; it is heard again in short windows, where people can speak that fast."""
    transcript = hear(PhraseEngine(), *[1.5] * times, apart=0.4)
    assert transcript.text == " ".join(["in 1813"] * times)


def test_a_raw_recording_is_read_as_its_name_says(tmp_path: Path) -> None:
    write(tmp_path / "talk.g722", np.concatenate([silence(3), tone(5), silence(1)]), codec="g722")
    files = LocalFiles(tmp_path)
    transcriber = WindowTranscriber(media=files, engine=FakeEngine(), vad=LoudVad())
    transcript = transcriber.transcribe(
        files.media("talk.g722"), Options(language="en"), max_seconds=3600, on_progress=lambda done, total: None
    )
    assert transcript.duration == pytest.approx(9, abs=0.1)
    assert "read as G.722" in transcript.warnings[0]


# ---------------------------------------------------------------- language


def test_the_language_is_what_most_of_the_speech_is_likely_to_be(hear: Hear) -> None:
    engine = FakeEngine(languages=[{"en": 0.9, "de": 0.1}, {"en": 0.2, "de": 0.8}])
    transcript = hear(engine, 2, 20, language=None)
    assert transcript.language == "de"
    assert transcript.language_probability == pytest.approx((2 * 0.1 + 20 * 0.8) / 22, abs=0.02)
    assert {o.language for o in engine.options} == {"de"}


def test_a_language_that_was_asked_for_is_not_detected(hear: Hear) -> None:
    transcript = hear(FakeEngine(), 5, language="jw")
    assert (transcript.language, transcript.language_probability) == ("jv", None)


def test_languages_without_spaces_are_joined_without(hear: Hear) -> None:
    engine = FakeEngine(said((0, 3, "你好。你好吗。我很好。")), said((0, 3, "再见。再见了。再见吧。")))
    assert hear(engine, 3, 3, language="zh").text == "你好。你好吗。我很好。再见。再见了。再见吧。"


# ---------------------------------------------------------------- redoing


def test_a_text_that_stops_early_is_resumed_where_it_stopped(hear: Hear) -> None:
    engine = FakeEngine(said((1, 9, LONG_ENOUGH), complete=False))
    transcript = hear(engine, 20)
    assert [seconds for seconds, _ in engine.decoded] == pytest.approx([22, 13], abs=0.1)
    assert [s.flags for s in transcript.segments] == [(), ("uncovered",)]
    assert transcript.segments[1].start == pytest.approx(transcript.segments[0].end, abs=0.01)


def test_a_gap_in_the_middle_is_heard_again(hear: Hear) -> None:
    engine = FakeEngine(said((1, 7, LONG_ENOUGH), (15, 22, LONG_ENOUGH)))
    transcript = hear(engine, 20)
    assert engine.decoded[1] == pytest.approx((9.0, 0.0), abs=0.1)
    assert [s.flags for s in transcript.segments] == [(), ("uncovered",), ()]


def test_a_loop_is_cut_into_shorter_windows(hear: Hear) -> None:
    engine = FakeEngine(LOOP)
    transcript = hear(engine, 20)
    (whole, _), (first, _), (second, _) = engine.decoded
    assert first + second == pytest.approx(whole, abs=0.2)
    assert min(first, second) > whole / 4
    assert "or or" not in transcript.text
    assert all("loop" in s.flags for s in transcript.segments)


def test_a_phrase_really_repeated_stays(hear: Hear) -> None:
    phrase = " in eighteen thirteen"
    engine = FakeEngine(said((1, 24, phrase * 12)), *[said((0, 12, phrase * 6))] * 2, *[said((0, 6, phrase * 3))] * 4)
    transcript = hear(engine, 5, 5, 5, 5, apart=1)
    assert transcript.text.count("eighteen") == 12
    assert {temperature for _, temperature in engine.decoded} == {0.0}


def test_doubtful_text_climbs_the_ladder_until_it_is_believed(hear: Hear) -> None:
    engine = FakeEngine(DOUBTFUL, DOUBTFUL)
    transcript = hear(engine, 5)
    assert engine.decoded == [(7.0, 0.0), (7.0, 0.2), (7.0, 0.4)]
    assert transcript.segments[0].temperature == 0.4
    assert transcript.segments[0].flags == ("low_logprob",)
    assert len({o.seed for o in engine.options}) == 1


NO_NUMBERS = [float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", ["avg_logprob", "no_speech_prob"])
def test_a_text_whose_certainty_is_no_number_is_not_believed(hear: Hear, name: str, value: float) -> None:
    """Every comparison with NaN is false, so it would pass each guard as it stands."""
    changes: dict[str, Any] = {name: value}
    unsure = replace(said((0, 6, " It is invented, every word.")), **changes)
    engine = FakeEngine(unsure, said((0, 6, LONG_ENOUGH)))
    transcript = hear(engine, 5)
    assert engine.decoded == [(7.0, 0.0), (7.0, 0.2)]
    assert transcript.text == LONG_ENOUGH.strip()
    assert transcript.segments[0].flags == ("low_logprob",)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_never_a_number_is_kept_with_a_flag_and_can_be_stored(hear: Hear, value: float) -> None:
    engine = FakeEngine(*[said((0, 6, LONG_ENOUGH), logprob=value, silent=value)] * 6)
    transcript = hear(engine, 5)
    assert len(engine.decoded) == len(LADDER)
    assert transcript.segments[0].flags == ("low_logprob",)
    assert Transcript.model_validate_json(encode(transcript)) == transcript


def test_languages_whose_probability_is_no_number_have_no_vote(hear: Hear) -> None:
    engine = FakeEngine(languages=[{"de": float("nan"), "fr": float("inf"), "en": 0.6, "nl": 0.2}])
    transcript = hear(engine, 5, language=None)
    assert (transcript.language, transcript.language_probability) == ("en", 0.6)


def test_at_the_top_of_the_ladder_the_best_attempt_wins(hear: Hear) -> None:
    def doubt(logprob: float) -> HeardWindow:
        return said((0, 6, f" Attempt at {logprob}, and some words more."), logprob=logprob)

    engine = FakeEngine(*map(doubt, (-1.9, -1.8, -1.2, -1.7, -1.6, -1.5)))
    transcript = hear(engine, 5)
    assert len(engine.decoded) == len(LADDER)
    assert (transcript.segments[0].avg_logprob, transcript.segments[0].temperature) == (-1.2, 0.4)


def test_a_loop_is_worse_than_a_doubtful_text(hear: Hear) -> None:
    loop = said((0, 6, " or" * 100), logprob=-0.1)
    engine = FakeEngine(loop, DOUBTFUL, *[loop] * 4)
    assert "fellow" in hear(engine, 5).text


def test_a_loop_where_there_is_no_speech_is_invented_whatever_is_sampled_after_it(hear: Hear) -> None:
    loop, hoo = said((0, 6, " or" * 100), silent=0.8), said((0, 6, " Whoo-hoo, it is a hum."), silent=0.8)
    assert hear(FakeEngine(loop, hoo), 5).no_speech


def test_what_is_sampled_waits_for_company(hear: Hear) -> None:
    engine = FakeEngine(DOUBTFUL, said((0, 6, LONG_ENOUGH)), DOUBTFUL, said((0, 6, LONG_ENOUGH)))
    hear(engine, *[6.0] * 4, batch_size=2)
    assert [o.temperature for o in engine.options] == [0.0, 0.0, 0.2]
    assert engine.batches == [2, 2, 2]


def test_what_is_sampled_does_not_wait_for_ever(hear: Hear) -> None:
    engine = FakeEngine(DOUBTFUL)
    hear(engine, *[3.0] * 20, batch_size=2)
    sampled = next(i for i, (_, temperature) in enumerate(engine.decoded) if temperature)
    assert HELD_UP <= sampled < HELD_UP + 4


def test_redoing_ends_even_if_nothing_is_ever_good(hear: Hear) -> None:
    engine = FakeEngine(*[said((0.0, 1.5, " Yes."), complete=False)] * 200)
    transcript = hear(engine, 28)
    assert 1 < len(engine.decoded) < 60
    assert not transcript.no_speech


# ---------------------------------------------------------------- nothing invented, nothing dropped silently


def test_a_text_is_dropped_when_two_signals_agree_and_is_kept_aside(hear: Hear) -> None:
    engine = FakeEngine(said((0, 3, " Thank you."), logprob=-1.5, silent=0.8))
    transcript = hear(engine, 3)
    assert (transcript.text, transcript.no_speech, transcript.language) == ("", True, "zxx")
    assert [(d.text, d.flags) for d in transcript.dropped] == [("Thank you.", ("low_logprob", "no_speech"))]
    assert len(engine.decoded) == 1, "what both call silence is not sampled"


def test_what_is_left_of_a_loop_must_be_believed(hear: Hear) -> None:
    music = said((0, 6, " Music"), logprob=-1.2)
    transcript = hear(FakeEngine(LOOP, *[music] * 99), 12)
    assert transcript.no_speech
    assert {d.flags for d in transcript.dropped} == {("loop", "low_logprob")}


def test_one_signal_is_flagged_and_kept(hear: Hear) -> None:
    transcript = hear(FakeEngine(said((0, 3, LONG_ENOUGH), silent=0.8)), 3)
    assert transcript.segments[0].flags == (Flag.NO_SPEECH,)
    assert not transcript.no_speech


# ---------------------------------------------------------------- progress, errors


def test_progress_rises_to_the_end(hear: Hear) -> None:
    told: list[tuple[float, float | None]] = []
    hear(FakeEngine(), *[5.0] * 5, batch_size=2, on_progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) == 4
    assert told[-1] == pytest.approx((56, 56), abs=0.01)


def test_progress_has_no_total_where_the_length_is_only_estimated(tmp_path: Path) -> None:
    write(tmp_path / "a.aac", np.concatenate([silence(6), tone(5)] * 3), codec="aac")  # ADTS states no length
    files, told = LocalFiles(tmp_path), list[tuple[float, float | None]]()
    transcript = WindowTranscriber(media=files, engine=FakeEngine(), vad=LoudVad()).transcribe(
        files.media("a.aac"),
        Options(language="en"),
        max_seconds=3600,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert {total for _, total in told} == {None}
    assert transcript.duration == pytest.approx(33, abs=0.2)
    assert transcript.warnings == ()


def test_silence_tells_that_it_goes_on(hear: Hear) -> None:
    told = list[float]()
    hear(FakeEngine(), 5, apart=200, on_progress=lambda done, total: told.append(done))
    assert len(told) > 5
    assert told == sorted(told)
    assert told[-1] == pytest.approx(206, abs=0.1)


def test_progress_may_stop_the_work(hear: Hear) -> None:
    def stop(done: float, total: float | None) -> None:
        if done:
            raise LeaseLost

    engine = FakeEngine()
    with pytest.raises(LeaseLost):
        hear(engine, *[5.0] * 5, batch_size=2, on_progress=stop)
    assert engine.batches == [2]


def test_an_engine_that_fails_fails_the_attempt(hear: Hear) -> None:
    with pytest.raises(EngineFailed):
        hear(FakeEngine(EngineFailed("out of memory")), 5)


def test_limits_and_missing_objects_pass_through(tmp_path: Path) -> None:
    write(tmp_path / "a.flac", tone(5), codec="flac")
    files = LocalFiles(tmp_path)
    transcriber = WindowTranscriber(media=files, engine=FakeEngine(), vad=LoudVad())
    with pytest.raises(MediaTooLong):
        transcriber.transcribe(files.media("a.flac"), Options(), max_seconds=4, on_progress=lambda done, total: None)
    for gone in (Media(bucket="disk", key="gone"), Media(bucket="disk", key="gone", size=10)):
        with pytest.raises(MediaNotFound):
            transcriber.transcribe(gone, Options(), max_seconds=4, on_progress=lambda done, total: None)
