"""The real engine on real speech: what it promises `SpeechEngine`, and what the whole gives on a short sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from container.audio import Recording
from container.engines.faster_whisper import FasterWhisperEngine
from container.transcriber import WindowTranscriber
from container.weights import WeightsUnavailable, load_weights
from sandbox.up import SAMPLE
from tests.files import LocalFiles
from tests.quality import normalise
from tiro.errors import EngineFailed, InvalidRequest
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, SpeechEngine
from tiro.request import Options
from tiro.transcript import Engine

ENGLISH = DecodeOptions(language="en")


@pytest.fixture(scope="module")
def engine() -> SpeechEngine:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        try:
            return FasterWhisperEngine.load(load_weights("base"))
        except WeightsUnavailable as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def speech() -> PCM:
    with SAMPLE.open("rb") as file, Recording(file, max_seconds=60) as recording:
        return np.concatenate(list(recording.blocks()))[: 30 * SAMPLE_RATE]


@pytest.mark.model
def test_it_hears_words_at_their_times(engine: SpeechEngine, speech: PCM) -> None:
    late = np.concatenate([np.zeros(5 * SAMPLE_RATE, np.float32), speech])[: 30 * SAMPLE_RATE]
    (now,), (then,) = (engine.decode(engine.encode([pcm]), ENGLISH) for pcm in (speech, late))
    assert now.segments[0].text.strip()
    assert then.segments[-1].end - now.segments[-1].end == pytest.approx(5, abs=0.5)
    assert now.avg_logprob > -1
    assert now.no_speech_prob < 0.5


@pytest.mark.model
@pytest.mark.parametrize("temperature", [0.0, 0.6])
def test_a_window_is_heard_alike_alone_and_in_company(engine: SpeechEngine, speech: PCM, temperature: float) -> None:
    options = replace(ENGLISH, temperature=temperature, seed=20)
    pieces = [speech[: seconds * SAMPLE_RATE] for seconds in (3, 9, 5, 2, 7)]
    alone = [heard for pcm in pieces for heard in engine.decode(engine.encode([pcm]), options)]
    for size in (2, 5):
        batches = [pieces[i : i + size] for i in range(0, len(pieces), size)]
        among = [heard for batch in batches for heard in engine.decode(engine.encode(batch), options)]
        assert among == alone, f"to the last bit of its probability, in batches of {size}"


@pytest.mark.model
def test_segments_stay_inside_their_window(engine: SpeechEngine, speech: PCM) -> None:
    cut = speech[: int(3.3 * SAMPLE_RATE)]
    for heard in engine.decode(engine.encode([cut]), ENGLISH):
        assert all(0 <= s.start <= s.end <= 3.3 for s in heard.segments)


@pytest.mark.model
def test_languages_come_with_probabilities(engine: SpeechEngine, speech: PCM) -> None:
    (chances,) = engine.detect_language(engine.encode([speech]))
    assert max(chances, key=lambda language: chances[language]) == "en"
    assert sum(chances.values()) == pytest.approx(1, abs=0.01)
    assert all(len(language) in (2, 3) for language in chances)


@pytest.mark.model
def test_a_language_the_model_lacks_is_refused_by_name(engine: SpeechEngine, speech: PCM) -> None:
    with pytest.raises(InvalidRequest, match="yue"):
        engine.decode(engine.encode([speech]), DecodeOptions(language="yue"))


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
    assert len(normalise(transcript.text, "en").split()) > 5
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
    sentences = [s.start for s in transcript.segments if s.text.startswith("And so")]
    assert sentences == [pytest.approx(start, abs=0.5) for start in starts]


class _Broken:
    n_mels = 80

    def __init__(self, error: Exception) -> None:
        self._error = error

    def encode(self, features: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("CUDA failed with error out of memory"), MemoryError()])
def test_what_breaks_inside_is_an_engine_failure(error: Exception) -> None:
    info = Engine(name="broken", version="1", model="none", model_sha256="", compute_type="int8")
    engine = FasterWhisperEngine(lambda threads: _Broken(error), 2, None, info)
    with pytest.raises(EngineFailed, match="out of memory"):
        engine.encode([np.zeros(SAMPLE_RATE, np.float32)])
