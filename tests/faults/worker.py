"""The worker, just as it is, but for a clock that may be wrong and a count of how much it hears.

`FAULTS_CLOCK` names a file that says by how many seconds the clock is off. Standard input is a pipe that only the
campaign holds: when that is closed, nothing of ours is left behind.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from container import log, worker
from container.engines import faster_whisper
from tiro.adapters import system
from tiro.ports import PCM, SAMPLE_RATE


def wrong_time(_: system.SystemClock) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=_off())


def _off() -> float:
    try:
        return float(Path(os.environ["FAULTS_CLOCK"]).read_text() or 0)
    except (KeyError, OSError, ValueError):
        return 0.0


class CountingEngine(faster_whisper.FasterWhisperEngine):
    """Says how many seconds of audio it begins to hear, and that it has heard them."""

    def encode(self, windows: Sequence[PCM]) -> Any:
        seconds = round(sum(len(window) for window in windows) / SAMPLE_RATE, 3)
        log.to_stderr("hearing", audio_seconds=seconds)
        encoded = super().encode(windows)
        log.to_stderr("encoded", audio_seconds=seconds)
        return encoded


def end_with_the_campaign() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(9)


def main() -> int:
    threading.Thread(target=end_with_the_campaign, daemon=True).start()
    system.SystemClock.now = wrong_time  # type: ignore[method-assign, assignment]
    faster_whisper.FasterWhisperEngine = CountingEngine  # type: ignore[misc]
    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
