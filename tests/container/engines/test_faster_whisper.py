"""The real engine on real speech: what it promises `SpeechEngine`, and what the whole gives on a short sample."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from container.engines.faster_whisper import LIGHT, FasterWhisperEngine, Loader
from container.transcriber import WindowTranscriber
from sandbox.up import SAMPLE
from tests.container.engines.contract import ENGLISH, SpeechEngineContract, read_sample
from tests.files import LocalFiles
from tests.sandbox.stack import error_rate
from tests.tolerance import MOST_WRONG, NEAR
from tiro.errors import EngineFailed
from tiro.ports import SAMPLE_RATE, SpeechEngine
from tiro.request import Options
from tiro.transcript import Engine

LONG_SILENCE = 20.0
"""Seconds; no pause within the two recordings' sentence comes near it."""


@pytest.fixture(scope="module")
def engine(real_engine: SpeechEngine) -> SpeechEngine:
    return real_engine


@pytest.mark.model
class TestFasterWhisperEngine(SpeechEngineContract):
    """The fixture `engine` is this module's."""


@pytest.mark.model
@pytest.mark.parametrize("temperature", [0.0, 0.6])
def test_to_the_last_bit_of_its_probability_a_window_minds_no_neighbour(
    engine: SpeechEngine, temperature: float
) -> None:
    speech, options = read_sample(), replace(ENGLISH, temperature=temperature, seed=20)
    pieces = [speech[: seconds * SAMPLE_RATE] for seconds in (3, 9, 5, 2, 7)]
    alone = [heard for pcm in pieces for heard in engine.decode(engine.encode([pcm]), options)]
    for size in (2, 5):
        batches = [pieces[i : i + size] for i in range(0, len(pieces), size)]
        among = [heard for batch in batches for heard in engine.decode(engine.encode(batch), options)]
        assert among == alone, f"in batches of {size}"


@pytest.mark.model
def test_it_says_what_it_is(engine: SpeechEngine) -> None:
    info = engine.info
    assert (info.name, info.model, info.compute_type) == ("faster-whisper", "base", "int8")
    assert info.model_sha256.startswith("d01c3014")


@pytest.mark.model
def test_the_sample_is_heard_from_end_to_end(engine: SpeechEngine) -> None:
    transcriber = WindowTranscriber(media=(files := LocalFiles(SAMPLE.parent)), engine=engine)
    transcript = transcriber.transcribe(
        files.media(SAMPLE.name), Options(), max_seconds=60, on_progress=lambda done, total: None
    )
    assert transcript.language == "en"
    assert error_rate(transcript.text) <= MOST_WRONG
    assert all(a.end <= b.start + 0.2 for a, b in zip(transcript.segments, transcript.segments[1:], strict=False))


@pytest.mark.model
@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "starts"),
    [("speech-after-90s-silence.flac", [90.5]), ("speech-45s-gap-speech.mp3", [0.5, 56.5])],
)
def test_silence_shifts_no_clock(engine: SpeechEngine, corpus: Path, name: str, starts: list[float]) -> None:
    transcriber = WindowTranscriber(media=(files := LocalFiles(corpus / "awkward")), engine=engine)
    transcript = transcriber.transcribe(
        files.media(name), Options(), max_seconds=600, on_progress=lambda done, total: None
    )
    after_silence = [
        segment.start
        for before, segment in pairwise([None, *transcript.segments])
        if segment and (before is None or segment.start - before.end > LONG_SILENCE)
    ]
    assert after_silence == [pytest.approx(start, abs=NEAR) for start in starts]


class _Broken:
    n_mels = 80

    def __init__(self, error: Exception) -> None:
        self._error = error

    def encode(self, features: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("CUDA failed with error out of memory"), MemoryError()])
def test_what_breaks_inside_is_an_engine_failure(error: Exception) -> None:
    info = Engine(name="broken", version="1", model="none", model_sha256="", compute_type="int8")
    engine = FasterWhisperEngine(Loader(lambda at_once, each: _Broken(error), weight=1), 2, None, info)
    with pytest.raises(EngineFailed, match=r"^CTranslate2 said: .*out of memory\."):
        engine.encode([np.zeros(SAMPLE_RATE, np.float32)])


@pytest.mark.parametrize(
    ("weight", "cores", "loaded"), [(LIGHT, 2, [(2, 1), (1, 2)]), (LIGHT + 1, 2, [(2, 1)]), (LIGHT, 1, [(1, 1)])]
)
def test_a_window_alone_has_all_cores_where_a_second_model_is_light(
    weight: int, cores: int, loaded: list[tuple[int, int]]
) -> None:
    asked = []

    def load(at_once: int, each: int) -> _Broken:
        asked.append((at_once, each))
        return _Broken(RuntimeError())

    info = Engine(name="broken", version="1", model="none", model_sha256="", compute_type="int8")
    engine = FasterWhisperEngine(Loader(load, weight), cores, None, info)
    for _ in range(2):
        with pytest.raises(EngineFailed):
            engine.encode([np.zeros(SAMPLE_RATE, np.float32)])
    assert asked == loaded
