"""Hears one recording to the end: reads and cuts it, has its windows heard in batches, tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import BinaryIO, cast

from container.audio import Part, Recording
from container.batching import hear
from container.hearing import LADDER, Attempt, Hearing
from container.vad import SileroModel, Vad
from container.windows import LONGEST, PAUSE, Window, cut
from tiro.adapters.range_file import RangeFile
from tiro.job import Media
from tiro.model import check_understood
from tiro.ports import SAMPLE_RATE, Blocks, DecodeOptions, MediaStore, OnProgress, SpeechEngine
from tiro.request import Options, S3Object
from tiro.transcript import Segment, Transcript

SEED = 20
"""Of everything sampled. CTranslate2 seeds each of its threads once: a process can be repeated, a call cannot."""

PROGRESS_SECONDS = 5.0
"""Wall seconds after which progress is told although no batch is done: ten hours of silence have none."""

HELD_SECONDS = (LONGEST + PAUSE) / SAMPLE_RATE
"""The most that the cutter may be holding back."""


class WindowTranscriber:
    """`tiro.ports.Transcriber` over any media store and any engine."""

    def __init__(
        self,
        *,
        media: MediaStore,
        engine: SpeechEngine,
        vad: Vad | None = None,
        batch_size: int = 4,
        beam_size: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._media, self._engine, self._clock = media, engine, clock
        self._vad = vad or SileroModel()
        self._batch_size, self._beam_size = batch_size, beam_size

    def transcribe(self, media: Media, options: Options, *, max_seconds: float, on_progress: OnProgress) -> Transcript:
        """Raises MediaError, EngineFailed, and whatever the store or `on_progress` raises."""
        if media.size is None:
            media = self._media.head(S3Object(bucket=media.bucket, key=media.key), media.version).media
        check_understood(self._engine.info.model, language=options.language, task=options.task)
        with ExitStack() as stack:
            sounds = self._open(media, options, max_seconds, stack)
            recording = next(iter(sounds.values()))
            progress = _Progress(on_progress, recording, self._clock)
            windows = progress.wait(merge(*(self._windows(*each, progress) for each in sounds.items()), key=_start))
            how = DecodeOptions(language="", beam_size=self._beam_size, seed=SEED)
            hearing, waiting, segments = Hearing(options, how), _Waiting(windows), list[Segment]()
            for batch in waiting.batches(self._batch_size):
                for outcome in hear(self._engine, hearing, batch):
                    segments += outcome.segments
                    waiting.add(outcome.again)
                progress.reach(max(attempt.window.end for attempt in batch) / SAMPLE_RATE)
            progress.reach(recording.seconds)
            return hearing.transcript(
                segments, duration=recording.seconds, warnings=recording.warnings, engine=self._engine.info
            )

    def _open(
        self, media: Media, options: Options, max_seconds: float, stack: ExitStack
    ) -> dict[str | None, Recording]:
        """Open what is wanted of a recording; each channel that is heard apart is one of its own."""

        def opened(channel: int | None = None) -> Recording:
            file = stack.enter_context(RangeFile(self._media, media))
            part = Part(options.start, options.end, channel)
            return stack.enter_context(Recording(cast(BinaryIO, file), max_seconds=max_seconds, part=part))

        if options.channels == "mix":
            return {None: opened()}
        first = opened(0)
        return {label: opened(number) if number else first for number, label in enumerate(first.channels())}

    def _windows(self, channel: str | None, recording: Recording, progress: _Progress) -> Iterator[Window]:
        windows = cut(progress.watch(recording.blocks()), self._vad.detector())
        return (replace(window, channel=channel) for window in windows)


def _start(window: Window) -> int:
    return window.start


class _Waiting:
    """What is still to decode: windows as they are cut, and attempts that come again."""

    def __init__(self, windows: Iterable[Window]) -> None:
        self._fresh = (Attempt(window) for window in windows)
        self._again: list[list[Attempt]] = [[] for _ in LADDER]

    def add(self, attempts: Iterable[Attempt]) -> None:
        for attempt in attempts:
            self._again[attempt.step].append(attempt)

    def batches(self, size: int) -> Iterator[list[Attempt]]:
        """Yield batches of one temperature. What is sampled waits until it fills a batch, or the end."""
        while True:
            full = next((attempts for attempts in self._again[1:] if len(attempts) >= size), None)
            batch = _take(full if full is not None else self._again[0], size)
            if full is None:
                batch += islice(self._fresh, size - len(batch))
            if not batch:
                batch = _take(next(filter(None, self._again), []), size)
            if not batch:
                return
            yield batch


class _Progress:
    """Tells how far a recording is, after each batch and whenever nothing was told for a while."""

    def __init__(self, tell: OnProgress, recording: Recording, clock: Callable[[], float]) -> None:
        self._tell, self._recording, self._clock = tell, recording, clock
        self._told = clock()
        self._done = 0.0
        self._waiting = False  # whether a window was cut that is not heard yet

    def watch(self, blocks: Blocks) -> Blocks:
        """Yield `blocks`, telling while they bring nothing but silence."""
        for block in blocks:
            yield block
            if self._clock() - self._told >= PROGRESS_SECONDS:
                # what the cutter still holds may be speech
                self._say(self._done if self._waiting else self._recording.seconds - HELD_SECONDS)

    def wait(self, windows: Iterator[Window]) -> Iterator[Window]:
        for window in windows:
            self._waiting = True
            yield window

    def reach(self, seconds: float) -> None:
        self._waiting = False
        self._say(seconds)

    def _say(self, seconds: float) -> None:
        self._done = max(self._done, seconds)
        total = self._recording.duration
        self._tell(round(self._done, 3), total and max(total, self._done))
        self._told = self._clock()


def _take(attempts: list[Attempt], size: int) -> list[Attempt]:
    taken, attempts[:] = attempts[:size], attempts[size:]
    return taken
