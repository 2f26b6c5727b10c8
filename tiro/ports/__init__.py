"""What the domain needs of the world, in its own words. Adapters and fakes pass one contract suite each."""

from tiro.ports.clock import Clock
from tiro.ports.jobs import JobStore, KeyStore, RunStore
from tiro.ports.media import MediaInfo, MediaReader, MediaStore, TranscriptStore
from tiro.ports.queue import JobQueue, Received
from tiro.ports.speech import (
    PCM,
    SAMPLE_RATE,
    WINDOW_SECONDS,
    Blocks,
    DecodeOptions,
    HeardSegment,
    HeardWindow,
    OnProgress,
    SpeechEngine,
    Transcriber,
)

__all__ = [
    "PCM",
    "SAMPLE_RATE",
    "WINDOW_SECONDS",
    "Blocks",
    "Clock",
    "DecodeOptions",
    "HeardSegment",
    "HeardWindow",
    "JobQueue",
    "JobStore",
    "KeyStore",
    "MediaInfo",
    "MediaReader",
    "MediaStore",
    "OnProgress",
    "Received",
    "RunStore",
    "SpeechEngine",
    "Transcriber",
    "TranscriptStore",
]
