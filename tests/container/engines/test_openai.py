"""The engine on PyTorch: what every engine promises, and what a GPU can do to it."""

from __future__ import annotations

import gc
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")

from whisper import decoding  # noqa: E402
from whisper.audio import log_mel_spectrogram, pad_or_trim  # noqa: E402

from container.engines.checkpoint import from_weights  # noqa: E402
from container.engines.openai import OpenAIEngine  # noqa: E402
from tests.container.engines.contract import (  # noqa: E402
    ENGLISH,
    SpeechEngineContract,
    base,
    read_sample,
    same_words,
    text_of,
    text_of_words,
    words_in,
)
from tests.container.engines.tiny import loaded, tiny  # noqa: E402
from tests.tolerance import MOST_WRONG, wrong_share  # noqa: E402
from tiro.errors import EngineFailed, EnginePoisoned  # noqa: E402
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, SpeechEngine  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS_APART = 0.06
"""Seconds that half of all words may be apart between the two engines."""


@pytest.fixture(scope="module")
def engine() -> SpeechEngine:
    return OpenAIEngine.load(from_weights(base()), threads=1)


@pytest.fixture(scope="module")
def other(real_engine: SpeechEngine) -> SpeechEngine:
    return real_engine


@pytest.mark.model
class TestOpenAIEngine(SpeechEngineContract):
    """The fixture `engine` is this module's."""


@pytest.mark.model
def test_it_says_what_it_is(engine: SpeechEngine) -> None:
    info = engine.info
    compute_type = "float16" if torch.cuda.is_available() else "float32"
    assert (info.name, info.model, info.compute_type) == ("openai", "base", compute_type)
    assert info.model_sha256.startswith("d01c3014")


@pytest.mark.model
def test_both_engines_hear_the_same_words_at_the_same_times(engine: SpeechEngine, other: SpeechEngine) -> None:
    compare(engine, other, read_sample(), "en")


@pytest.mark.model
@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "language"),
    [("lj001-0001.flac", "en"), ("libri-2412-153948-0000.flac", "en"), ("leopard-es.flac", "es")],
)
def test_and_so_they_do_on_other_speech(
    engine: SpeechEngine, other: SpeechEngine, corpus: Path, name: str, language: str
) -> None:
    from container.audio import Recording

    with (corpus / "speech" / name).open("rb") as file, Recording(file, max_seconds=60) as recording:
        compare(engine, other, np.concatenate(list(recording.blocks())), language)


def compare(one: SpeechEngine, two: SpeechEngine, pcm: PCM, language: str) -> None:
    """Compare two engines, which round differently: words may differ, and times are compared for common words."""
    ours, theirs = (words_in(engine, pcm, DecodeOptions(language=language)) for engine in (one, two))
    assert wrong_share(text_of_words(theirs), text_of_words(ours), language) <= MOST_WRONG
    same = same_words(ours, theirs, language)
    assert median(abs(a.start - b.start) for a, b in same) <= WORDS_APART
    assert median(abs(a.end - b.end) for a, b in same) <= WORDS_APART


# ------------------------------------------------------------ without weights


def noise(*seconds: float) -> list[PCM]:
    lots = np.random.default_rng(7)
    return [lots.normal(0, 0.1, int(each * SAMPLE_RATE)).astype(np.float32) for each in seconds]


def engine_of(model: Any) -> OpenAIEngine:
    return OpenAIEngine.load(loaded(model), device="cpu", threads=1)


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # openai-whisper's own
@pytest.mark.parametrize(
    ("beams", "seed", "terse"), [(1, 0, 1), (1, 1, 1), (1, 2, 1), (5, 1, 1), (5, 0, 4), (5, 2, 4), (2, 2, 4)]
)
def test_a_batch_is_decoded_as_openai_whisper_decodes_a_window(beams: int, seed: int, terse: float) -> None:
    model, windows = tiny(seed=seed), noise(3, 30, 11)
    model.decoder.token_embedding.weight[50257] *= terse  # inclines it to come to an end
    ours = engine_of(model)
    every = ours.decode(ours.encode(windows), DecodeOptions(language="en", beam_size=beams))
    for pcm, heard in zip(windows, every, strict=True):
        mel = log_mel_spectrogram(pad_or_trim(pcm, 30 * SAMPLE_RATE), 80)
        how = decoding.DecodingOptions(language="en", fp16=False, beam_size=beams if beams > 1 else None)
        theirs = decoding.decode(model, mel, how)
        eot = 50257
        assert [t for s in heard.segments for t in s.tokens] == [t for t in theirs.tokens if t < eot]
        assert heard.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-4)
        assert heard.no_speech_prob == pytest.approx(theirs.no_speech_prob, abs=1e-6)


class _Breaking:
    """A part of the model that fails for more than `most` windows at once."""

    def __init__(self, part: Any, most: int, error: Exception) -> None:
        self._part, self._most, self._error = part, most, error
        self.batches: list[int] = []

    def __call__(self, windows: Any) -> Any:
        self.batches.append(len(windows))
        if len(windows) > self._most:
            raise self._error
        return self._part(windows)


@pytest.fixture
def breaking() -> Callable[[int, Exception], tuple[OpenAIEngine, _Breaking]]:
    def build(most: int, error: Exception) -> tuple[OpenAIEngine, _Breaking]:
        model = tiny()
        whole, encoder = model.encoder, _Breaking(model.encoder, most, error)
        engine = engine_of(model)
        del model._modules["encoder"]
        model.encoder = encoder
        assert whole is not model.encoder
        return engine, encoder

    return build


FULL = torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        torch.AcceleratorError("CUDA error: out of memory"),
    ],
)
def test_a_batch_that_memory_does_not_hold_is_halved_and_stays_so(breaking: Any, error: Exception) -> None:
    engine, encoder = breaking(2, error)
    windows = noise(1, 2, 3, 4, 5)
    heard = engine.decode(engine.encode(windows), ENGLISH)
    assert encoder.batches == [5, 2, 2, 1]
    whole = engine_of(tiny())
    assert [text_of(h) for h in heard] == [text_of(h) for h in whole.decode(whole.encode(windows), ENGLISH)]
    encoder.batches.clear()
    engine.encode(windows)
    assert encoder.batches == [2, 2, 1]


def listening(model: Any, most: int = 99) -> _Breaking:
    """Have the model say how many windows of audio the decoder gets ready to listen to, `most` of which fit."""
    attention = model.decoder.blocks[0].cross_attn
    part = _Breaking(attention.key, most, FULL)
    del attention._modules["key"]
    attention.key = part
    return part


def all_of_it(model: Any, windows: list[PCM]) -> list[Any]:
    engine = engine_of(model)
    encoded = engine.encode(windows)
    engine.detect_language(encoded)
    heard = engine.decode(encoded, ENGLISH)
    return [heard, engine.align(encoded, heard, ENGLISH)]


def test_what_the_audio_says_is_made_once_for_all_passes() -> None:
    model = tiny()
    listened = listening(model)
    all_of_it(model, noise(1, 2, 3))
    assert listened.batches == [3]


def test_after_memory_was_too_small_no_pass_wants_all_of_it_again() -> None:
    model, windows = tiny(), noise(1, 2, 3, 4, 5)
    listened = listening(model, most=2)
    found = all_of_it(model, windows)
    assert listened.batches == [5, *(2, 2, 1) * 3]
    assert [text_of(heard) for heard in found[0]] == [text_of(heard) for heard in all_of_it(tiny(), windows)[0]]


def test_what_was_made_for_a_batch_that_was_too_large_is_given_back() -> None:
    model = tiny()
    layer = model.decoder.blocks[0]
    first = _Breaking(layer.attn_ln, 2, FULL)  # after keys and values of the audio were made
    del layer._modules["attn_ln"]
    layer.attn_ln = first
    engine = engine_of(model)
    encoded = engine.encode(noise(1, 2, 3, 4, 5))
    engine.decode(encoded, replace(ENGLISH, beam_size=1))
    assert first.batches[:2] == [5, 2]
    FULL.__traceback__ = None  # its frames have all that they worked on
    assert not [each for each in gc.get_objects() if type(each) is torch.Tensor and each.shape[:3] == (5, 2, 1500)]


@pytest.mark.parametrize("how", [ENGLISH, replace(ENGLISH, beam_size=3), replace(ENGLISH, temperature=0.7)])
def test_what_is_no_number_says_nothing(how: DecodeOptions) -> None:
    model = tiny()
    model.decoder.ln.weight[:] = float("nan")
    engine = engine_of(model)
    for heard in engine.decode(engine.encode(noise(1, 2)), how):
        assert not heard.segments
        assert np.isfinite([heard.avg_logprob, heard.no_speech_prob]).all()


def test_a_model_that_memory_does_not_hold_is_said_to_be_too_large() -> None:
    model = tiny()
    model.to = _Breaking(model.to, 0, FULL)
    with pytest.raises(EngineFailed, match="does not fit into the memory of the GPU"):
        engine_of(model)


def test_one_window_that_memory_does_not_hold_is_a_failure_that_may_be_tried_again(breaking: Any) -> None:
    engine, _ = breaking(0, FULL)
    with pytest.raises(EngineFailed, match="Not even one window"):
        engine.encode(noise(1, 1))


def test_a_broken_gpu_is_no_use_to_anybody(breaking: Any) -> None:
    engine, encoder = breaking(0, RuntimeError("CUDA error: device-side assert triggered"))
    with pytest.raises(EnginePoisoned, match="cannot use it any more"):
        engine.encode(noise(1, 1))
    assert encoder.batches == [2], "nothing is tried again on it"


def test_any_other_bug_is_a_failure_of_this_attempt(breaking: Any) -> None:
    engine, _ = breaking(0, RuntimeError("shape mismatch"))
    with pytest.raises(EngineFailed, match=r"^PyTorch said: shape mismatch\.") as caught:
        engine.encode(noise(1))
    assert not isinstance(caught.value, EnginePoisoned)
