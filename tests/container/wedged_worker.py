"""A worker whose engine never answers: `python -m tests.container.wedged_worker HOW`. Prints what it logs."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from typing import Any

from container.watchdog import Watchdog
from tests.house import WORKER_NAMES, House
from tiro.job import Media
from tiro.ports import OnProgress
from tiro.request import Options
from tiro.settings import WorkerSettings
from tiro.transcript import Transcript


class Wedged:
    def transcribe(
        self, media: Media, options: Options, *, max_seconds: float, on_progress: OnProgress, **_: Any
    ) -> Transcript:
        if sys.argv[1] == "holds Python's lock":
            ctypes.PyDLL(None).sleep(600)
        threading.Event().wait()
        raise AssertionError


def main() -> None:
    house = House(transcriber=Wedged(), worker_settings=WorkerSettings(**WORKER_NAMES, heartbeat_seconds=0.05))
    job = house.drop("inbox/ada/a.mp3")

    def end(status: int) -> None:
        after = house.jobs.get(job.id)
        house.clock.advance(30)
        visible = bool(house.queue.receive(wait_seconds=0))
        house.note("ends", status=after.status, attempts=after.attempts, visible=visible)
        for line in house.log:
            sys.stdout.write(json.dumps({**line, "error": repr(line["error"])}, default=str) + "\n")
        sys.stdout.flush()
        os._exit(status)

    with Watchdog(0.5, log=house.note, end=end) as house.watchdog:
        house.work()


if __name__ == "__main__":
    main()
