"""The worker, just as it is, but for a clock that may be wrong and its saying which windows it hears.

`FAULTS_CLOCK` names a file that says by how many seconds the clock is off. Standard input is a pipe that only the
campaign holds: when that is closed, nothing of ours is left behind.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from container import hearing, log, transcriber
from container import main as begin
from container.engines import faster_whisper
from container.tongue import Vote
from container.windows import Window
from tiro.adapters import system
from tiro.job import Media
from tiro.ports import PCM
from tiro.request import Options
from tiro.transcript import Transcript

_recording: ContextVar[str] = ContextVar("recording")
"""The key of what this thread hears."""


def wrong_time(_: system.SystemClock) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=_off())


def _off() -> float:
    try:
        return float(Path(os.environ["FAULTS_CLOCK"]).read_text() or 0)
    except (KeyError, OSError, ValueError):
        return 0.0


class CountingHearing(hearing.Hearing):
    """Says which windows of its recording are settled, and when it is heard to the end."""

    open: ClassVar[dict[int, tuple[Window, CountingHearing]]] = {}
    """By the identity of its sound, each window that is not settled; held here, so that no other can have it."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._about: dict[str, Any] = {"recording": _recording.get(), "attempt": uuid4().hex}
        log.to_stderr("recording taken up", **self._about)

    def say(self, event: str, window: Window) -> None:
        log.to_stderr(event, **self._about, window=[window.start, window.end, window.channel or ""])

    def attempts(self, window: Window) -> tuple[hearing.Attempt, ...]:
        self.open[id(window.pcm)] = window, self
        return super().attempts(window)

    def count(self, window: Window, votes: Sequence[Vote]) -> None:
        self.open.pop(id(window.pcm), None)
        self.say("window settled", window)
        super().count(window, votes)

    def transcript(self, *given: Any, **more: Any) -> Transcript:
        log.to_stderr("recording heard", **self._about)
        return super().transcript(*given, **more)


class CountingEngine(faster_whisper.FasterWhisperEngine):
    """Says which windows it is given. Parts of one that are heard anew, and what it warms up with, are none."""

    def encode(self, windows: Sequence[PCM]) -> Any:
        for pcm in windows:
            if known := CountingHearing.open.get(id(pcm)):
                window, whose = known
                whose.say("window begun", window)
        return super().encode(windows)


class NamingTranscriber(transcriber.WindowTranscriber):
    """Lets a hearing know whose windows it is given."""

    def transcribe(self, media: Media, options: Options, **more: Any) -> Transcript:
        _recording.set(media.key)
        return super().transcribe(media, options, **more)


def end_with_the_campaign() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(9)


def main() -> int:
    threading.Thread(target=end_with_the_campaign, daemon=True).start()
    system.SystemClock.now = wrong_time  # type: ignore[method-assign, assignment]
    faster_whisper.FasterWhisperEngine = CountingEngine  # type: ignore[misc]
    transcriber.Hearing = CountingHearing  # type: ignore[attr-defined]
    transcriber.WindowTranscriber = NamingTranscriber  # type: ignore[misc]
    return begin.main()


if __name__ == "__main__":
    sys.exit(main())
