"""What the domain needs of the world, in its own words. Adapters and fakes pass one contract suite each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tiro.job import Drop, Job, Media, Run, Upload
from tiro.message import JobMessage
from tiro.request import Options, S3Object
from tiro.transcript import Engine, Transcript

PCM = Any
"""A numpy array of float32, shape (samples,), mono at SAMPLE_RATE, each about -1 to 1."""

SAMPLE_RATE = 16_000
"""Hz; what Whisper hears (openai/whisper, audio.py)."""

WINDOW_SECONDS = 30.0
"""The longest stretch Whisper hears at once (openai/whisper, audio.py: CHUNK_LENGTH)."""


class Clock(Protocol):
    """Time and chance, so that tests may choose both."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def entropy(self) -> bytes:
        """Return 16 random bytes."""
        ...


class JobStore(Protocol):
    """The jobs. Every write is conditional; one that loses raises Conflict and changes nothing."""

    def create(self, job: Job) -> Job:
        """Store a new job and return it; for a drop seen before, return the job it already has."""
        ...

    def get(self, job_id: str) -> Job:
        """Raises JobNotFound."""
        ...

    def save(self, before: Job, after: Job) -> None:
        """Replace `before`, if it is still what is stored. Raises Conflict."""
        ...

    def newest(self, drop: Drop) -> bool:
        """Return whether no newer write of the same inbox key has made a job."""
        ...

    def overdue(self, now: datetime, limit: int) -> Sequence[Job]:
        """Return jobs whose upload expired before `now`, at most `limit`."""
        ...


class RunStore(Protocol):
    """Who holds a job. The lease is a fence: a write by an attempt that lost it raises LeaseLost."""

    def claim(self, before: Job, after: Job, run: Run, *, now: datetime) -> None:
        """Save `after` and hand out the lease, if nobody holds a live one. Raises Conflict."""
        ...

    def renew(self, job_id: str, run: Run) -> None:
        """Store a longer lease and the progress. Raises LeaseLost."""
        ...

    def finish(self, before: Job, after: Job, attempt: str) -> None:
        """Save `after` and end the lease, if `attempt` holds it. Raises LeaseLost or Conflict."""
        ...

    def get(self, job_id: str) -> Run | None: ...


class KeyStore(Protocol):
    """API keys, of which only a hash is stored."""

    def owner_of(self, key_hash: str) -> str | None: ...

    def add(self, key_hash: str, owner: str, *, at: datetime) -> None: ...


@dataclass(frozen=True)
class MediaInfo:
    """What S3 says of an object before it is read."""

    media: Media
    metadata: Mapping[str, str] = field(default_factory=dict)  # user metadata and tags, lower-case names


UploadInstructions = Upload


class MediaStore(Protocol):
    """The recordings."""

    def head(self, source: S3Object, version: str | None = None) -> MediaInfo:
        """Raises MediaNotFound."""
        ...

    def read(self, media: Media, start: int, end: int) -> bytes:
        """Return bytes `start` to `end`, exclusive, of this very version, or as many of them as there are.

        Raises MediaNotFound; also when the object was deleted, though an older version may still lie there.
        """
        ...

    def presign_upload(
        self, key: str, *, content_type: str | None, size: int | None, seconds: int
    ) -> UploadInstructions: ...


class TranscriptStore(Protocol):
    """The transcripts."""

    def put(self, key: str, transcript: Transcript) -> None: ...

    def get(self, key: str) -> Transcript:
        """Raises TranscriptUnavailable."""
        ...

    def publish(self, key: str, body: bytes, media_type: str, *, current: Callable[[], bool]) -> bool:
        """Write a rendered copy while `current()` holds, however late; return whether it was written.

        A copy that somebody else wrote after `current()` was asked is never overwritten unasked.
        """
        ...

    def withdraw(self, key: str) -> None:
        """Remove a rendered copy, if there is one."""
        ...


@dataclass(frozen=True)
class Received:
    """A message in a worker's hands. `handle` names this receive of it."""

    body: str
    handle: str
    receives: int  # how often it was handed out; only ever rises


class JobQueue(Protocol):
    """The work. At least once, in no order."""

    def send(self, message: JobMessage, *, owner: str) -> None:
        """Queue it, fairly between owners."""
        ...

    def receive(self, *, wait_seconds: int) -> Received | None: ...

    def extend(self, received: Received, *, seconds: int) -> None:
        """Hide it for `seconds` from now; 0 gives it back at once.

        A handle that is no longer good is no error, here and in `delete`: whose the job is, the lease says.
        """
        ...

    def delete(self, received: Received) -> None: ...


class MediaReader(Protocol):
    """Reads what a recording's headers say, by a few short range reads."""

    def duration(self, media: Media) -> float | None:
        """Return seconds, or None where only decoding can tell."""
        ...


class OnProgress(Protocol):
    def __call__(self, done: float, total: float | None) -> None:
        """`done` and `total` are seconds of audio. May raise, to stop the work: LeaseLost, Interrupted."""
        ...


class Transcriber(Protocol):
    """Hears one recording to the end: decodes, cuts, transcribes, judges, stitches."""

    def transcribe(self, media: Media, options: Options, *, max_seconds: float, on_progress: OnProgress) -> Transcript:
        """Raises MediaError when it cannot be heard, TransientError when trying again may help."""
        ...


@dataclass(frozen=True)
class DecodeOptions:
    """How one batch of windows is decoded; the same for every window in it."""

    language: str  # Whisper's code
    task: str = "transcribe"
    beam_size: int = 1  # used at temperature 0
    temperature: float = 0.0  # above 0: sampled
    seed: int = 0  # of the sampling


@dataclass(frozen=True)
class HeardSegment:
    """A segment of one window, in seconds from the window's start."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class HeardWindow:
    """What an engine heard in one window."""

    segments: Sequence[HeardSegment]
    avg_logprob: float
    no_speech_prob: float
    complete: bool  # False: the text ends in an open timestamp, more may have been said


class SpeechEngine(Protocol):
    """Whisper on single windows of at most 30 s. Everything longer is cut and stitched above it."""

    @property
    def info(self) -> Engine: ...

    def encode(self, windows: Sequence[PCM]) -> Any:
        """Return encoded windows; only this engine's other methods know what they are."""
        ...

    def detect_language(self, encoded: Any) -> Sequence[Mapping[str, float]]:
        """Return, for each window, the probability of each language by Whisper's code."""
        ...

    def decode(self, encoded: Any, options: DecodeOptions) -> Sequence[HeardWindow]: ...


Blocks = Iterator[PCM]
"""A recording as a stream of PCM blocks of any length."""
