"""Who races: each a function from a recording to its text, with the same weights in memory.

Every peer decodes the file itself, detects the language itself, and times no words.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from container.weights import load_weights
from tiro.settings import Limits

MODEL = "base"

Hear = Callable[[Path], str]

OURS = "tiro"
SEQUENTIAL = ("whisper", "whisper, beam 5", "faster-whisper", "faster-whisper, beam 1")
"""Peers that take one window after another; the better of them is what accuracy is measured against."""


def whisper(beam: int | None = None) -> Hear:
    from faster_whisper import decode_audio
    from whisper import transcribe

    from container.engines.checkpoint import from_weights

    model = from_weights(load_weights(MODEL)).model.float()
    # What its own command does; its function is greedy unless told otherwise.
    beams = {"beam_size": beam, "best_of": 5} if beam else {}
    # Its own decoding wants the command ffmpeg; what comes of it is the same array.
    return lambda path: str(transcribe(model, decode_audio(str(path)), fp16=False, **beams)["text"])


def faster_whisper(beam: int, *, batched: bool = False) -> Hear:
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model: Any = WhisperModel(MODEL, device="cpu", compute_type="int8", files=dict(load_weights(MODEL).files))
    if batched:
        model = BatchedInferencePipeline(model)
    return lambda path: "".join(segment.text for segment in model.transcribe(str(path), beam_size=beam)[0])


def tiro(engine: str, beam: int | None = None) -> Hear:
    from container.engines.choice import load_engine
    from container.transcriber import WindowTranscriber
    from tests.files import LocalFiles
    from tests.house import WORKER_NAMES
    from tiro.request import Options
    from tiro.settings import WorkerSettings

    settings = WorkerSettings(**WORKER_NAMES, model=MODEL, engine=engine)
    beams = beam or settings.beam_size
    loaded = load_engine(settings)

    def hear(path: Path) -> str:
        files = LocalFiles(path.parent)
        transcriber = WindowTranscriber(media=files, engine=loaded, batch_size=settings.batch_size, beam_size=beams)
        return transcriber.transcribe(
            files.media(path.name),
            Options(),
            max_seconds=Limits.max_media_seconds,
            on_progress=lambda done, total: None,
        ).text

    return hear


TUNED = (OURS, "tiro, beam 1", "tiro, openai", "tiro, openai, beam 1", "faster-whisper, beam 1, tuned")
"""Who runs in the environment that our worker has (container/tuning.py): we, and one to see what it gives a peer."""

PEERS: dict[str, Callable[[], Hear]] = {
    OURS: lambda: tiro("faster-whisper"),
    "tiro, beam 1": lambda: tiro("faster-whisper", 1),
    "tiro, openai": lambda: tiro("openai"),
    "tiro, openai, beam 1": lambda: tiro("openai", 1),
    "faster-whisper, beam 1": lambda: faster_whisper(1),
    "faster-whisper, beam 1, tuned": lambda: faster_whisper(1),
    "faster-whisper": lambda: faster_whisper(5),
    "faster-whisper, batched, beam 1": lambda: faster_whisper(1, batched=True),
    "faster-whisper, batched": lambda: faster_whisper(5, batched=True),
    "whisper": whisper,
    "whisper, beam 5": lambda: whisper(5),
}
"""By name, each with what loads it. A bare name has the package's own defaults."""
