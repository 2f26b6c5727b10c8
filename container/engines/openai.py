"""Whisper on PyTorch, with the model, tokenizer and mel of the openai-whisper package: for a GPU, and for any CPU.

Beside it, only the files that it stands on know torch or whisper: `checkpoint`, `decoder`, `recorded`, `rules`,
`generation`, `beam` and `attention`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from itertools import chain, islice
from typing import Any, TypeVar

import torch
from torch import Tensor
from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.tokenizer import LANGUAGES, get_tokenizer

from container.alignment import AlignedTokens, words_of
from container.engines.attention import Listener
from container.engines.beam import search
from container.engines.checkpoint import Loaded, place
from container.engines.decoder import Batch, Cross, Decoder
from container.engines.generation import Said, Sampling, generate
from container.engines.tokens import prompt_of, read_segments
from tiro.errors import EngineFailed, EnginePoisoned, InvalidRequest
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, HeardWindow, HeardWord
from tiro.transcript import Engine

T = TypeVar("T")

FULL = ("out of memory", "STATUS_ALLOC_FAILED", "STATUS_NOT_INITIALIZED")
"""What CUDA, cuBLAS and cuDNN say of a memory that is full, each in its own error."""


class _Part:
    """Encoded windows that are worked on together, with what all passes of the decoder need of them."""

    def __init__(self, features: Tensor, seconds: Sequence[float]) -> None:
        self._features, self.seconds = features, seconds  # (windows, 1500, state); before they were filled up to 30
        self._cross: Cross | None = None

    def __len__(self) -> int:
        return len(self.seconds)

    def __getitem__(self, some: slice) -> _Part:
        return self.of(range(len(self))[some])

    def of(self, rows: Sequence[int]) -> _Part:
        """Return some of the windows; where they are all, what was made of them serves again."""
        if len(rows) == len(self):
            return self
        return _Part(self._features[list(rows)], [self.seconds[row] for row in rows])

    def cross(self, decoder: Decoder) -> Cross:
        if self._cross is None:
            self._cross = decoder.cross(self._features)
        return self._cross

    def let_go(self) -> None:
        """Give back the memory of what can be made again."""
        self._cross = None


class OpenAIEngine:
    """A PyTorch Whisper model behind `SpeechEngine`. Not for two threads at once."""

    def __init__(self, loaded: Loaded, *, device: str, compute_type: str) -> None:
        self._model, self._heads = loaded.model, loaded.heads
        self._device, self._dtype = device, getattr(torch, compute_type)
        self._decoder = Decoder(loaded.model)
        self._most = sys.maxsize  # windows that memory holds at once, as far as is known
        self._info = Engine(
            name="openai",
            version=version("openai-whisper"),
            model=loaded.name,
            model_sha256=loaded.sha256,
            compute_type=compute_type,
        )

    @classmethod
    def load(cls, loaded: Loaded, *, device: str = "", compute_type: str = "", threads: int = 0) -> OpenAIEngine:
        """Place a model on a GPU if there is one, in float16; else on the CPU, in float32. Raises EngineFailed.

        `threads` of the CPU are for the whole process; 0 leaves them to PyTorch.
        """
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        compute_type = compute_type or ("float32" if device == "cpu" else "float16")
        if threads:
            torch.set_num_threads(threads)
        try:
            with _failures():
                place(loaded.model, device, getattr(torch, compute_type))
                return cls(loaded, device=device, compute_type=compute_type)
        except torch.OutOfMemoryError as error:
            raise EngineFailed(f"The model {loaded.name} does not fit into the memory of the GPU.") from error

    @property
    def info(self) -> Engine:
        return self._info

    def encode(self, windows: Sequence[PCM]) -> list[_Part]:
        """Take windows of at most 30 s, shape (samples,)."""
        return self._fitting(windows, self._encode)

    def _encode(self, windows: Sequence[PCM]) -> list[_Part]:
        mels = [
            log_mel_spectrogram(pad_or_trim(pcm, N_SAMPLES), self._model.dims.n_mels, device=self._device)
            for pcm in windows
        ]
        features = self._model.encoder(torch.stack(mels).to(self._dtype))
        return [_Part(features, [len(pcm) / SAMPLE_RATE for pcm in windows])]

    def detect_language(self, encoded: list[_Part]) -> Sequence[Mapping[str, float]]:
        if not self._model.is_multilingual:
            return [{"en": 1.0} for part in encoded for _ in part.seconds]
        return self._each(encoded, self._languages)

    def _languages(self, part: _Part) -> list[dict[str, float]]:
        tokenizer = self._tokenizer("en", "transcribe")
        batch = Batch(self._decoder, part.cross(self._decoder), [[tokenizer.sot]] * len(part), most=0)
        chances = batch.start(1)[0][:, list(tokenizer.all_language_tokens)].softmax(dim=-1)
        return [dict(zip(tokenizer.all_language_codes, row, strict=True)) for row in chances.tolist()]

    def decode(self, encoded: list[_Part], options: DecodeOptions) -> Sequence[HeardWindow]:
        """Raises InvalidRequest for a language that this model does not know."""
        tokenizer = self._tokenizer(options.language, options.task)
        prompt = prompt_of(tokenizer, options.prompt, partial(tokenizer.encode, disallowed_special=()))
        sampling = Sampling(options.temperature, options.seed)
        beams = options.beam_size if options.temperature <= 0 else 1

        def say(part: _Part) -> list[HeardWindow]:
            batch = Batch(self._decoder, part.cross(self._decoder), [prompt] * len(part), beams=beams)
            every = search(batch, tokenizer, beams) if beams > 1 else generate(batch, tokenizer, sampling)
            return [_heard(said, tokenizer, seconds) for said, seconds in zip(every, part.seconds, strict=True)]

        return self._each(encoded, say)

    def align(
        self, encoded: list[_Part], heard: Sequence[HeardWindow], options: DecodeOptions
    ) -> Sequence[Sequence[Sequence[HeardWord]]]:
        tokenizer = self._tokenizer(options.language, options.task)
        listener = Listener(self._decoder, self._heads, tokenizer)
        waiting = iter(heard)
        found: list[Sequence[Sequence[HeardWord]]] = []
        for part in encoded:
            spoken = [[segment.tokens for segment in window.segments] for window in islice(waiting, len(part))]
            rows = [row for row, segments in enumerate(spoken) if segments]

            def listen(some: list[int], part: _Part = part, spoken: Any = spoken) -> list[AlignedTokens]:
                texts, some_of_it = [list(chain.from_iterable(spoken[row])) for row in some], part.of(some)
                return listener.align(some_of_it.cross(self._decoder), texts, some_of_it.seconds)

            aligned = dict(zip(rows, self._fitting(rows, listen, part.let_go), strict=True))
            found += [
                words_of(spoken[row], aligned[row], tokenizer.decode, options.written) if row in aligned else []
                for row in range(len(part))
            ]
        return found

    def _tokenizer(self, language: str, task: str) -> Any:
        model = self._model
        known = list(LANGUAGES)[: model.num_languages] if model.is_multilingual else ["en"]
        if language not in known:
            raise InvalidRequest(f"The model {self._info.model} does not know the language {language!r}.")
        return get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language=language, task=task)

    def _each(self, encoded: list[_Part], work: Callable[[_Part], list[T]]) -> list[T]:
        return [result for part in encoded for result in self._fitting(part, work, part.let_go)]

    def _fitting(self, batch: Any, work: Callable[[Any], list[T]], let_go: Callable[[], object] = tuple) -> list[T]:
        """Do the work for a batch at once, or for as much of it at a time as memory holds. Raises EngineFailed.

        Before less of it is tried, `let_go` gives back what memory it can.
        """
        results: list[T] = []
        at = 0
        while at < len(batch):
            some = batch[at : at + self._most]
            if (done := _attempt(work, some)) is not None:
                results += done
                at += len(some)
                continue
            if len(some) == 1:
                raise EngineFailed("Not even one window fits into the memory of the GPU.")
            self._most = len(some) // 2  # and so it stays: what does not fit now will not fit later
            let_go()
            with _failures():
                torch.cuda.empty_cache()
        return results


def _attempt(work: Callable[[Any], list[T]], batch: Any) -> list[T] | None:
    """Return what `work` does, or None if memory is too small for it."""
    try:
        with _failures(), torch.inference_mode():
            return work(batch)
    except torch.OutOfMemoryError:
        return None  # and only after it is gone can its frames let go of what they hold


@contextmanager
def _failures() -> Iterator[None]:
    """Lost memory may be tried again, a bug in a kernel elsewhere; after an error of CUDA nothing works any more."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, MemoryError) as error:
        if any(words in str(error) for words in FULL):
            raise torch.OutOfMemoryError(str(error)) from error
        if isinstance(error, torch.AcceleratorError) or "CUDA error" in str(error):
            raise EnginePoisoned(f"The GPU failed, and this process cannot use it any more: {error}.") from error
        raise EngineFailed(f"PyTorch said: {str(error) or 'out of memory'}.") from error


def _heard(said: Said, tokenizer: Any, seconds: float) -> HeardWindow:
    if not math.isfinite(said.logprob):  # float16 has overflowed: what is no number says nothing
        return HeardWindow((), 0.0, 0.0, complete=True)
    segments, complete = read_segments(said.tokens, tokenizer, seconds)
    return HeardWindow(
        segments=segments,
        avg_logprob=said.logprob / (len(said.tokens) + 1),  # with the end token (decoding.py: avg_logprobs)
        no_speech_prob=said.no_speech,
        complete=complete,
    )
