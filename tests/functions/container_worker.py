"""The container's own worker beside the handlers, on their very adapters, with a transcriber one may interrupt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from container.stopping import Stopping
from container.telemetry import Telemetry
from container.watchdog import Watchdog
from container.worker import Worker, World
from functions import wiring
from tests.factories import make_transcript
from tests.fakes_checkpoints import stretch_of
from tests.functions.conftest import Stack
from tiro.job import Media
from tiro.ports import Checkpoint, OnProgress
from tiro.request import Options
from tiro.settings import WorkerSettings
from tiro.transcript import Transcript


class Hears:
    """A transcriber that reads all, notes what it heard so far, and lets something happen before it ends."""

    def __init__(self, happens: Callable[[], object] = lambda: None) -> None:
        self._happens = happens
        self.resumed = 0

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        assert checkpoint
        wiring.media(media.bucket).read(media, 0, 10)
        self.resumed = len(checkpoint.stretches)
        checkpoint.add(stretch_of(self.resumed))
        self._happens()
        return make_transcript()


def work(stack: Stack, transcriber: Hears, **more: Any) -> None:
    names = ("table", "queue_url", "batch_queue_url", "media_bucket", "transcript_bucket")
    settings = WorkerSettings(**{name: getattr(stack.settings, name) for name in names}, **more)
    world = World(
        jobs=wiring.jobs(),
        runs=wiring.runs(),
        transcripts=wiring.transcripts(settings.transcript_bucket),
        checkpoints=wiring.checkpoints(),
        queue=wiring.queue(settings.queue_url, settings.batch_queue_url),
        transcriber=transcriber,
        clock=wiring.clock(),
        watchdog=Watchdog(600, log=_to_nobody),
        telemetry=Telemetry("test", wiring.clock(), write=lambda line: None),
    )
    worker = Worker(world, settings, Stopping(), _to_nobody)
    received = worker._receive()
    assert received
    worker.handle(received)


def _to_nobody(event: str, *, error: BaseException | None = None, **_: object) -> None:
    """Tests need no log."""


def raises(error: Exception) -> Callable[[], object]:
    def happen() -> None:
        raise error

    return happen
