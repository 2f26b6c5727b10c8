"""Many channels into one, without losing what was said."""

from __future__ import annotations

from typing import Any

import numpy as np

from tiro.ports import PCM

CANCELLED = 0.25
"""A sum with less than this share of its loudest channel's power has cancelled itself out."""

SILENT = 1e-10
"""Mean square below which a block says nothing about its channels (-100 dBFS)."""


class Downmix:
    """Mixes blocks of shape (channels, samples) into (samples,).

    The mix is the sum of the channels over the root of their number: one voice in one channel of six stays
    audible. Where channels cancel each other (a microphone wired the wrong way round), the loudest channel
    is taken instead; a change of mind is faded over one block, so that it does not click.
    """

    def __init__(self) -> None:
        self._weights: Any = None

    def __call__(self, block: Any) -> PCM:
        if len(block) == 1:
            return np.ascontiguousarray(block[0])
        before = self._weights
        self._weights = after = self._decide(block)
        if before is None or len(before) != len(after) or np.array_equal(before, after):
            return after @ block
        fade = np.linspace(0, 1, block.shape[1], dtype=np.float32)
        return (before @ block) * (1 - fade) + (after @ block) * fade

    def _decide(self, block: Any) -> Any:
        channels = len(block)
        power = np.mean(np.square(block), axis=1)
        loudest = int(np.argmax(power))
        known = self._weights if self._weights is not None and len(self._weights) == channels else None
        if power[loudest] < SILENT and known is not None:
            return known
        if power[loudest] < SILENT or np.mean(np.square(block.sum(axis=0))) >= CANCELLED * power[loudest]:
            return np.full(channels, channels**-0.5, np.float32)
        if known is not None and np.count_nonzero(known) == 1 and power[known.argmax()] > power[loudest] / 4:
            return known  # two channels about as loud as each other: stay with one
        return np.eye(channels, dtype=np.float32)[loudest]
