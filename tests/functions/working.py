"""A worker beside the handlers, on their very adapters: it hears whatever its script says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from functions import wiring
from tests.fakes import FakeTranscriber
from tiro import service
from tiro.errors import PermanentError
from tiro.message import JobMessage
from tiro.settings import ApiSettings


def work(transcriber: FakeTranscriber, settings: ApiSettings) -> bool:
    """Do what one message asks for; return whether there was one."""
    queue, store = (
        wiring.queue(settings.queue_url, settings.batch_queue_url),
        wiring.transcripts(settings.transcript_bucket),
    )
    received = queue.receive(wait_seconds=0)
    if received is None:
        return False
    ports: dict[str, Any] = {"jobs": wiring.jobs(), "transcripts": store, "clock": wiring.clock()}
    message = JobMessage.parse(received.body)
    claim = service.claim(message, receives=1, runs=wiring.runs(), terms=service.LeaseTerms(120, 3), **ports)
    if isinstance(claim, service.Declined):
        if claim.hide_seconds is None:
            queue.delete(received)
        else:
            queue.extend(received, seconds=0)
        return True
    try:
        service.transcribe(
            claim,
            transcriber=transcriber,
            runs=wiring.runs(),
            limits=settings,
            on_progress=lambda done, total: None,
            **ports,
        )
    except PermanentError as error:
        service.fail(claim.job, error, held=(wiring.runs(), claim.run.attempt), **ports)
    queue.delete(received)
    return True


@contextmanager
def worker(transcriber: FakeTranscriber, settings: ApiSettings) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            if not work(transcriber, settings):
                stop.wait(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
