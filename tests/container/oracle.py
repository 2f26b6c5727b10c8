"""An engine whose answers depend on nothing but the window, the options and a seed: what order matters to it not."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.container.engine import FakeEngine, said
from tiro.ports import PCM, SAMPLE_RATE, DecodeOptions, HeardWindow

WORDS = "the sea was calm and nobody said a word until morning came over the hills with a bell".split()


class Oracle(FakeEngine):
    """Some windows are doubtful, loop, or break off, and most are plain. A window's language is one of `languages`."""

    def __init__(self, *, languages: Sequence[str] = ("en",), happens: Callable[[Any], object] = lambda names: None):
        super().__init__()
        self._known, self._happens = languages, happens  # while a batch of windows of these names is decoded
        self._busy = threading.Lock()

    def encode(self, windows: Sequence[PCM]) -> Any:
        return [(name_of(pcm), len(pcm) / SAMPLE_RATE) for pcm in windows]

    def detect_language(self, encoded: Any) -> Sequence[Mapping[str, float]]:
        return [{self._known[int(name, 16) % len(self._known)]: 0.8} for name, _ in encoded]

    def decode(self, encoded: Any, options: DecodeOptions) -> Sequence[HeardWindow]:
        assert self._busy.acquire(blocking=False), "two threads at once"
        try:
            self._happens([name for name, _ in encoded])
            self.options.append(options)
            self.batches.append(len(encoded))
            return [self._say(name, seconds, options) for name, seconds in encoded]
        finally:
            self._busy.release()

    def _say(self, name: str, seconds: float, options: DecodeOptions) -> HeardWindow:
        self.decoded.append((round(seconds, 1), options.temperature))
        seed = hashlib.sha256(f"{name} {options.temperature} {options.language}".encode()).digest()
        chance = np.random.default_rng(list(seed))
        text = " " + " ".join(chance.choice(WORDS, max(3, int(2.5 * seconds))))
        match chance.integers(5):
            case 0:
                return said((0, seconds, " or" * 100))
            case 1:
                return said((0, seconds, text), logprob=-1.2 - chance.random())
            case 2 if seconds > 6:
                return said((0, seconds / 2, text), complete=False)
        return said((0.5, seconds / 2, text), (seconds / 2, seconds, text[::-1]), logprob=-chance.random())


def name_of(pcm: PCM) -> str:
    return hashlib.sha256(pcm.tobytes()).hexdigest()
