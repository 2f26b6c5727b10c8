"""What a device could do at best: its measured rates, and the work that a Whisper cannot do without."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Rates:
    """Of a device, measured."""

    flops: float  # operations a second in large matrices
    bytes: float  # a second, read
    width: int  # bytes of a number


@dataclass(frozen=True)
class Limit:
    """Seconds that it cannot be done in less."""

    encoder: float
    decoder: float

    @property
    def total(self) -> float:
        return self.encoder + self.decoder


def measure(device: str, dtype: Any) -> Rates:
    """Multiply large matrices and add up a long row; return the best rates seen."""
    size, length = (8192, 2**29) if device == "cuda" else (1024, 2**24)
    matrix = torch.randn(size, size, device=device).to(dtype)
    row = torch.zeros(length, device=device, dtype=dtype)
    multiply, read = _best(lambda: matrix @ matrix), _best(row.sum)
    width = row.element_size()
    return Rates(2 * size**3 / multiply, length * width / read, width)


def _best(work: Callable[[], Any], runs: int = 10) -> float:
    found = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return min(found)


def ideal(dims: Any, rates: Rates, *, windows: int, batch: int, tokens: int, beams: int = 1) -> Limit:
    """Return the time of operations over all of the audio, and that of what the decoder has to read.

    A step reads its weights once for the batch, and each window's keys and values of the audio and of what was said by
    each of its beams. `dims`: whisper.model.ModelDimensions.
    """
    steps = tokens * -(-windows // batch)
    said = beams * windows * dims.n_text_layer * 2 * dims.n_text_state * tokens * tokens / 2
    heard = windows * dims.n_text_layer * 2 * dims.n_text_state * dims.n_audio_ctx * tokens
    numbers = steps * decoder_weights(dims) + heard + said
    flops = windows * (encoder_flops(dims) + cross_flops(dims))
    return Limit(flops / rates.flops, numbers * rates.width / rates.bytes)


def encoder_flops(dims: Any) -> float:
    """Return the operations for a window; a multiplication and an addition are two."""
    width, length = dims.n_audio_state, dims.n_audio_ctx
    convolutions = 2 * 3 * width * (dims.n_mels * 2 * length + width * length)
    layer = 2 * length * 12 * width**2 + 4 * length**2 * width
    return float(convolutions + dims.n_audio_layer * layer)


def cross_flops(dims: Any) -> float:
    """Return the operations that make a window's keys and values of the audio, for all layers of the decoder."""
    return float(dims.n_text_layer * 2 * 2 * dims.n_audio_ctx * dims.n_audio_state * dims.n_text_state)


def decoder_weights(dims: Any) -> float:
    """Return how many numbers a step multiplies with: those of layers and words, not the audio's keys."""
    width = dims.n_text_state
    return float(dims.n_text_layer * 14 * width**2 + dims.n_vocab * width)
