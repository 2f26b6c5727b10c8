"""Whisper on CTranslate2: int8 on a CPU. The only file that knows ctranslate2 or faster-whisper."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from itertools import chain, islice, pairwise
from typing import Any

import ctranslate2
import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from container.alignment import AlignedTokens, times_of, words_of
from container.engines.tokens import FRAMES, MAX_TOKENS, TIMESTAMP, prompt_of, read_segments
from container.weights import Weights
from tiro.errors import EngineFailed, InvalidRequest
from tiro.ports import PCM, SAMPLE_RATE, WINDOW_SECONDS, DecodeOptions, HeardWindow, HeardWord
from tiro.transcript import Engine

HOP = 160
"""Samples of a mel frame (openai/whisper, audio.py: HOP_LENGTH)."""

SILENCE = 1e-10
"""Mel power of nothing: the floor under the logarithm (openai/whisper, audio.py)."""


LIGHT = 512 * 1024**2
"""Bytes of weights that may be in memory twice."""


@dataclass(frozen=True)
class Loader:
    """Makes a model that works at `at_once` things, on each with so many threads."""

    load: Callable[[int, int], Any]
    weight: int  # bytes of it


@dataclass(frozen=True)
class _Encoded:
    """Windows in parts, one a core."""

    parts: tuple[Any, ...]  # ctranslate2.StorageView, shape (windows, 1500, width)
    seconds: tuple[tuple[float, ...], ...]  # of each window of each part, before it was filled up to 30


class FasterWhisperEngine:
    """A CTranslate2 Whisper model behind `SpeechEngine`. Not for two threads at once."""

    def __init__(self, loader: Loader, cores: int, tokenizer: Any, info: Engine) -> None:
        self._loader, self._model = loader, loader.load(cores, 1)
        self._tokenizer, self._info = tokenizer, info
        self._cores = cores
        self._each_core = ThreadPoolExecutor(self._cores, thread_name_prefix="engine")
        self._mel = FeatureExtractor(feature_size=self._model.n_mels)
        self._tokenizers: dict[tuple[str, str], Tokenizer] = {}

    @classmethod
    def load(cls, weights: Weights, *, threads: int = 0, compute_type: str = "int8") -> FasterWhisperEngine:
        """Load the model from memory; 0 threads means one per core. Raises EngineFailed."""
        files = {name: data for name, data in weights.files.items() if name != "tokenizer.json"}

        def of_threads(at_once: int, each: int) -> Any:
            return ctranslate2.models.Whisper(
                weights.model,
                device="cpu",
                compute_type=compute_type,
                inter_threads=at_once,
                intra_threads=each,
                files=files,
            )

        info = Engine(
            name="faster-whisper",
            version=version("faster-whisper"),
            model=weights.model,
            model_sha256=weights.sha256,
            compute_type=compute_type,
        )
        tokenizer = tokenizers.Tokenizer.from_buffer(weights.files["tokenizer.json"])
        with _failures():
            loader = Loader(of_threads, weight=sum(map(len, files.values())))
            return cls(loader, threads or os.cpu_count() or 1, tokenizer, info)

    @property
    def info(self) -> Engine:
        return self._info

    def encode(self, windows: Sequence[PCM]) -> _Encoded:
        """Take windows of at most 30 s, shape (samples,)."""
        with _failures():
            encode = partial(self._encode, self._model_for(windows))
            parts = _parts(list(self._each_core.map(encode, windows)), self._cores)
            encoded = tuple(ctranslate2.StorageView.from_array(np.concatenate(part)) for part in parts)
        seconds = [len(pcm) / SAMPLE_RATE for pcm in windows]
        return _Encoded(encoded, tuple(map(tuple, _parts(seconds, self._cores))))

    def _encode(self, model: Any, pcm: PCM) -> Any:
        """Return a window encoded, shape (1, 1500, width). Several at once take as long, and memory for each."""
        features = np.expand_dims(self._features(pcm), 0)
        return np.asarray(model.encode(ctranslate2.StorageView.from_array(features)))

    def _model_for(self, parts: Sequence[Any]) -> Any:
        """Return whose work it is: two cores on one matrix wait for each other, on two they do not; but one alone."""
        return self._model if len(parts) > 1 else self._for_one

    @cached_property
    def _for_one(self) -> Any:
        """All cores on one window, bit for bit the same; with weights of its own, so that it must earn its memory."""
        light = self._cores > 1 and self._loader.weight <= LIGHT
        return self._loader.load(1, self._cores) if light else self._model

    def detect_language(self, encoded: _Encoded) -> Sequence[Mapping[str, float]]:
        if not self._model.is_multilingual:
            return [{"en": 1.0} for part in encoded.seconds for _ in part]
        with _failures():
            detect = self._model_for(encoded.parts).detect_language
            found = list(self._each_core.map(detect, encoded.parts))
        return [{token[2:-2]: probability for token, probability in window} for part in found for window in part]

    def decode(self, encoded: _Encoded, options: DecodeOptions) -> Sequence[HeardWindow]:
        """Raises InvalidRequest for a language that this model does not know."""
        tokenizer = self._tokenizer_for(options)
        prompt = prompt_of(tokenizer, options.prompt, tokenizer.encode)
        suppressed = list(get_suppressed_tokens(tokenizer, [-1]))
        sampled = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": options.temperature}

        def generate(model: Any, features: Any, seconds: Sequence[float]) -> list[HeardWindow]:
            results = model.generate(
                features,
                [prompt] * len(seconds),
                max_length=MAX_TOKENS,
                return_scores=True,
                return_no_speech_prob=True,
                suppress_tokens=suppressed,
                **(sampled if options.temperature > 0 else {"beam_size": options.beam_size}),
            )
            return [_read(result, tokenizer, each) for result, each in zip(results, seconds, strict=True)]

        def sample(features: Any, seconds: Sequence[float]) -> Iterator[HeardWindow]:
            rows = np.asarray(features)
            for i, each in enumerate(seconds):
                # CTranslate2 seeds each of its threads once. A model whose thread is new, a third of a second's work,
                # lets a window say the same whatever was sampled before it. One model at a time, which has all cores:
                # to load one takes three times its memory.
                row = ctranslate2.StorageView.from_array(np.ascontiguousarray(rows[i : i + 1]))
                yield from generate(self._loader.load(1, self._cores), row, [each])

        with _failures():
            if options.temperature > 0:
                ctranslate2.set_random_seed(options.seed)
                return list(chain.from_iterable(map(sample, encoded.parts, encoded.seconds)))
            work = partial(generate, self._model_for(encoded.parts))
            return [heard for part in self._each_core.map(work, encoded.parts, encoded.seconds) for heard in part]

    def align(
        self, encoded: _Encoded, heard: Sequence[HeardWindow], options: DecodeOptions
    ) -> Sequence[Sequence[Sequence[HeardWord]]]:
        tokenizer = self._tokenizer_for(options)
        model, waiting = self._model_for(encoded.parts), iter(heard)
        windows = [list(islice(waiting, len(part))) for part in encoded.seconds]

        def listen(features: Any, seconds: Sequence[float], part: Sequence[HeardWindow]) -> list[Any]:
            spoken = [[segment.tokens for segment in window.segments] for window in part]
            rows = [row for row, segments in enumerate(spoken) if segments]
            if not rows:
                return [[] for _ in part]
            results = model.align(
                ctranslate2.StorageView.from_array(np.ascontiguousarray(np.asarray(features)[rows])),
                list(tokenizer.sot_sequence),
                [list(chain.from_iterable(spoken[row])) for row in rows],
                [max(2, round(seconds[row] * SAMPLE_RATE / HOP)) for row in rows],
            )
            aligned = {row: _aligned(result) for row, result in zip(rows, results, strict=True)}
            return [
                words_of(spoken[row], aligned[row], tokenizer.decode, options.written) if row in aligned else []
                for row in range(len(part))
            ]

        with _failures():
            parts = self._each_core.map(listen, encoded.parts, encoded.seconds, windows)
            return [words for part in parts for words in part]

    def _features(self, pcm: PCM) -> Any:
        """Return the log-mel spectrogram of a window filled up with silence, shape (mels, FRAMES)."""
        mel = self._mel(pcm[: int(WINDOW_SECONDS * SAMPLE_RATE)])[:, :FRAMES]
        floor = max((np.log10(SILENCE) + 4) / 4, float(mel.max()) - 2)  # as silence would have come out
        filled = np.full((mel.shape[0], FRAMES), floor, np.float32)
        filled[:, : mel.shape[1]] = mel
        return filled

    def _tokenizer_for(self, options: DecodeOptions) -> Tokenizer:
        key = (options.language, options.task)
        if key not in self._tokenizers:
            known = self._tokenizer.token_to_id(f"<|{options.language}|>") is not None
            if not (known if self._model.is_multilingual else options.language == "en"):
                raise InvalidRequest(f"The model {self._info.model} does not know the language {options.language!r}.")
            multilingual = self._model.is_multilingual
            self._tokenizers[key] = Tokenizer(
                self._tokenizer, multilingual, task=options.task, language=options.language
            )
        return self._tokenizers[key]


def _parts(batch: Sequence[Any], most: int) -> list[Sequence[Any]]:
    """Split a batch into at most `most` parts of nearly equal size, in order."""
    bounds = [round(len(batch) * i / most) for i in range(most + 1)]
    return [batch[start:end] for start, end in pairwise(bounds) if end > start]


@contextmanager
def _failures() -> Iterator[None]:
    """Out of memory, a lost device, a bug in a kernel: the job may be tried again, here or elsewhere."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        raise EngineFailed(f"CTranslate2 said: {str(error) or 'out of memory'}.") from error


def _read(result: Any, tokenizer: Tokenizer, seconds: float) -> HeardWindow:
    tokens = result.sequences_ids[0]
    segments, complete = read_segments(tokens, tokenizer, seconds)
    return HeardWindow(
        segments=segments,
        # the score is the mean without the end token, Whisper's average counts it (decoding.py: avg_logprobs)
        avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
        no_speech_prob=result.no_speech_prob,
        complete=complete,
    )


def _aligned(result: Any) -> AlignedTokens:
    return AlignedTokens(times_of(np.array(result.alignments).T, TIMESTAMP), result.text_token_probs)
