"""Whisper base on long recordings: we and faster-whisper's batches, on one device, in pairs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from container import audio
from container.engines.checkpoint import from_weights
from container.engines.openai import OpenAIEngine
from container.transcriber import WindowTranscriber
from container.vad import SileroModel
from container.weights import load_weights
from container.windows import cut
from tests.bench.__main__ import choose
from tests.bench.figures import Recording, is_long
from tests.files import LocalFiles
from tests.quality import count_errors
from tiro.ports import PCM, DecodeOptions
from tiro.request import Options

BATCH, WINDOWS = 32, 64


def long_ones(corpus: Path) -> list[Recording]:
    return [recording for recording in choose(corpus, "*") if is_long(recording)]


@dataclass(frozen=True)
class Heard:
    """The medians of it."""

    times_as_fast: float
    words: int
    wrong: tuple[int, int]  # ours, theirs
    windows: int
    otherwise: int  # of them that say something else in company than alone

    @property
    def line(self) -> str:
        return (
            f"Whisper base on the corpus: {self.times_as_fast:.2f} times as fast as faster-whisper batched; of "
            f"{self.words} words {self.wrong[0]} wrong, {self.wrong[1]} by the peer; {self.otherwise} of "
            f"{self.windows} windows say something else in company than alone."
        )


def race(
    corpus: Path, device: str, compute_type: str, *, beams: int, recordings: Sequence[Recording] | None = None
) -> Heard:
    """Hear each recording by both, turn by turn; the first is heard once before, to warm up."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    recordings = long_ones(corpus) if recordings is None else recordings
    weights = load_weights("base")
    engine = OpenAIEngine.load(from_weights(weights), device=device, compute_type=compute_type)
    peer = BatchedInferencePipeline(
        WhisperModel("base", device=device, compute_type=compute_type, files=dict(weights.files))
    )
    files = LocalFiles(corpus)
    ours = WindowTranscriber(media=files, engine=engine, batch_size=BATCH, beam_size=beams)
    laps = []
    for recording in [recordings[0], *recordings]:
        media, options = files.media(recording.path), Options()
        began = time.perf_counter()
        our = ours.transcribe(media, options, max_seconds=1e6, on_progress=lambda done, total: None).text
        between = time.perf_counter()
        segments, _ = peer.transcribe(str(corpus / recording.path), batch_size=BATCH, beam_size=beams)
        their = " ".join(segment.text for segment in segments)
        ratio = (time.perf_counter() - between) / (between - began)
        counts = [count_errors(recording.text, text, recording.language) for text in (our, their)]
        laps.append((ratio, *counts))
    ratios, mine, others = zip(*laps[1:], strict=True)
    wrong = sum(n for _, n in mine), sum(n for _, n in others)
    windows = first_windows(corpus / recordings[0].path)
    return Heard(median(ratios), sum(n for n, _ in mine), wrong, len(windows), otherwise(engine, windows, beams))


def first_windows(path: Path) -> list[PCM]:
    with path.open("rb") as file, audio.Recording(file, max_seconds=1e6) as recording:
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
