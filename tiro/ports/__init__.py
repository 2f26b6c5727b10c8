"""What the domain needs of the world, in its own words. Adapters and fakes pass one contract suite each."""

from tiro.ports.account import Account
from tiro.ports.asked import AskedStore
from tiro.ports.batches import BatchStore
from tiro.ports.calls import CallStore, WaitingRoom
from tiro.ports.checkpoints import CheckpointStore
from tiro.ports.clock import Clock
from tiro.ports.delivery import DeliveryQueue, DeliveryStore, EndpointStore, EventBus, Notifier, Reply
from tiro.ports.fetch import FetchQueue, FetchStore, Part, PartStore, Stream, Web
from tiro.ports.fleet import Crew, Fleet, Gauge, LaunchStore, LengthStore, WorkerFleet
from tiro.ports.jobs import JobStore, RunStore
from tiro.ports.keys import KeyStore
from tiro.ports.listing import JobIndex, Stretch, UsageStore
from tiro.ports.media import MediaInfo, MediaReader, MediaStore, TranscriptStore
from tiro.ports.pace import PaceStore
from tiro.ports.queue import Backlog, JobQueue, Received
from tiro.ports.speech import (
    PCM,
    SAMPLE_RATE,
    WINDOW_SECONDS,
    Checkpoint,
    DecodeOptions,
    HeardSegment,
    HeardWindow,
    HeardWord,
    OnProgress,
    SpeechEngine,
    Transcriber,
)

__all__ = [
    "PCM",
    "SAMPLE_RATE",
    "WINDOW_SECONDS",
    "Account",
    "AskedStore",
    "Backlog",
    "BatchStore",
    "CallStore",
    "Checkpoint",
    "CheckpointStore",
    "Clock",
    "Crew",
    "DecodeOptions",
    "DeliveryQueue",
    "DeliveryStore",
    "EndpointStore",
    "EventBus",
    "FetchQueue",
    "FetchStore",
    "Fleet",
    "Gauge",
    "HeardSegment",
    "HeardWindow",
    "HeardWord",
    "JobIndex",
    "JobQueue",
    "JobStore",
    "KeyStore",
    "LaunchStore",
    "LengthStore",
    "MediaInfo",
    "MediaReader",
    "MediaStore",
    "Notifier",
    "OnProgress",
    "PaceStore",
    "Part",
    "PartStore",
    "Received",
    "Reply",
    "RunStore",
    "SpeechEngine",
    "Stream",
    "Stretch",
    "Transcriber",
    "TranscriptStore",
    "UsageStore",
    "WaitingRoom",
    "Web",
    "WorkerFleet",
]
