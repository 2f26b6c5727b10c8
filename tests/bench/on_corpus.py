"""Whisper base on long recordings: we and faster-whisper's batches, on one device, in pairs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from container.audio import Recording
from container.engines.checkpoint import from_weights
from container.engines.openai import OpenAIEngine
from container.transcriber import WindowTranscriber
from container.vad import SileroModel
from container.weights import load_weights
from container.windows import cut
from tests.bench.__main__ import choose
from tests.bench.figures import is_long
from tests.files import LocalFiles
from tiro.ports import PCM, DecodeOptions
from tiro.request import Options

BATCH, WINDOWS = 32, 64


def long_ones(corpus: Path) -> list[str]:
    return [recording.path for recording in choose(corpus, "*") if is_long(recording)]


@dataclass(frozen=True)
class Heard:
    """The medians of it."""

    times_as_fast: float
    windows: int
    otherwise: int  # of them that say something else in company than alone

    @property
    def line(self) -> str:
        return (
            f"Whisper base on the corpus: {self.times_as_fast:.2f} times as fast as faster-whisper batched; "
            f"{self.otherwise} of {self.windows} windows say something else in company than alone."
        )


def race(corpus: Path, paths: Sequence[str], device: str, compute_type: str, *, beams: int = 1) -> Heard:
    """Hear each recording by both, turn by turn; the first is heard once before, to warm up."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    weights = load_weights("base")
    engine = OpenAIEngine.load(from_weights(weights), device=device, compute_type=compute_type)
    peer = BatchedInferencePipeline(
        WhisperModel("base", device=device, compute_type=compute_type, files=dict(weights.files))
    )
    files = LocalFiles(corpus)
    ours = WindowTranscriber(media=files, engine=engine, batch_size=BATCH, beam_size=beams)
    ratios = []
    for path in [paths[0], *paths]:
        began = time.perf_counter()
        ours.transcribe(files.media(path), Options(), max_seconds=1e6, on_progress=lambda done, total: None)
        between = time.perf_counter()
        list(peer.transcribe(str(corpus / path), batch_size=BATCH, beam_size=beams)[0])
        ratios.append((time.perf_counter() - between) / (between - began))
    windows = first_windows(corpus / paths[0])
    return Heard(median(ratios[1:]), len(windows), otherwise(engine, windows, beams))


def first_windows(path: Path) -> list[PCM]:
    with path.open("rb") as file, Recording(file, max_seconds=1e6) as recording:
        windows = (piece.window.pcm for piece in cut(recording.blocks(), SileroModel()) if piece.window)
        return list(islice(windows, WINDOWS))


def otherwise(engine: OpenAIEngine, windows: list[PCM], beams: int) -> int:
    """Return how many windows say something else in a batch than alone."""
    how = DecodeOptions(language="en", beam_size=beams)
    together = engine.decode(engine.encode(windows), how)
    alone = [engine.decode(engine.encode([pcm]), how)[0] for pcm in windows]
    return sum(
        [segment.tokens for segment in one.segments] != [segment.tokens for segment in other.segments]
        for one, other in zip(together, alone, strict=True)
    )
