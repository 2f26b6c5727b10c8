"""Hears one recording to the end: reads ahead, has its windows heard, tells how far it is and what is settled."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, cast

from pydantic import TypeAdapter, ValidationError

from container.audio import Recording
from container.batching import FIRST, Batcher, Line, Task
from container.hearing import Attempt, Hearing, Known
from container.order import Order, Settled
from container.reading import Reading, Sound
from container.vad import SileroModel, Vad
from container.windows import Position
from tiro.adapters.range_file import RangeFile
from tiro.checkpoint import Stretch, unbroken
from tiro.job import Media
from tiro.language import to_bcp47
from tiro.ports import Checkpoint, DecodeOptions, MediaStore, OnProgress, SpeechEngine
from tiro.request import Options, S3Object
from tiro.transcript import Segment, Transcript

SEED = 20
"""Of everything sampled."""

TELL_SECONDS = 1.0
"""Wall seconds after which progress is told although the recording brings nothing: a network may hang."""

HELD_UP = 8
"""Windows behind one that waits to be sampled in company, after which it waits no longer: they are not settled."""


class OpenSound(Protocol):
    def __call__(self, file: BinaryIO, *, max_seconds: float) -> AbstractContextManager[Sound]: ...


@dataclass(frozen=True)
class _Resume:
    """What it takes to go on with a recording."""

    rest: Position
    known: Known


_RESUME = TypeAdapter(_Resume)


class WindowTranscriber:
    """`tiro.ports.Transcriber` over any media store and any engine. All recordings share the engine."""

    def __init__(
        self,
        *,
        media: MediaStore,
        engine: SpeechEngine,
        vad: Vad | None = None,
        batch_size: int = 4,
        beam_size: int = 1,
        open_sound: OpenSound = Recording,
    ) -> None:
        self._media, self._engine, self._open_sound = media, engine, open_sound
        self._vad = vad or SileroModel()
        self._batcher = Batcher(engine, batch_size)
        self._batch_size, self._beam_size = batch_size, beam_size

    def transcribe(
        self,
        media: Media,
        options: Options,
        *,
        max_seconds: float,
        on_progress: OnProgress,
        checkpoint: Checkpoint | None = None,
    ) -> Transcript:
        """Raises MediaError, EngineFailed, and whatever the store, `on_progress` or `checkpoint` raises."""
        if media.size is None:
            media = self._media.head(S3Object(bucket=media.bucket, key=media.key), media.version).media
        done = list(unbroken(checkpoint.stretches)) if checkpoint else []
        since = self._resume(done)
        how = DecodeOptions(language=options.language or "", beam_size=self._beam_size, seed=SEED)
        known, rest = (since.known, since.rest) if since else (None, None)
        hearing = Hearing(how, known)
        opened = Reading(lambda: self._open(media, max_seconds), self._vad, since=rest, ahead=self._batch_size)
        with opened as reading, self._batcher.line(hearing) as line:
            work = _Work(reading, line, on_progress, rest.seconds if rest else 0.0)
            for settled in work.settled(self._batch_size):
                start = done[-1].end if done else 0.0
                done.append(self._stretch(start, settled, hearing.known))
                if checkpoint:
                    checkpoint.add(done[-1])
            segments: list[Segment] = [s for stretch in done for s in (*stretch.segments, *stretch.dropped)]
            return hearing.transcript(
                segments, duration=reading.seconds, warnings=reading.warnings, engine=self._engine.info
            )

    @contextmanager
    def _open(self, media: Media, max_seconds: float) -> Iterator[Sound]:
        with (
            RangeFile(self._media, media) as file,
            self._open_sound(cast(BinaryIO, file), max_seconds=max_seconds) as sound,
        ):
            yield sound

    def _resume(self, done: list[Stretch]) -> _Resume | None:
        """Return what the last stretch says of how to go on; where it is not ours to go on, forget all of them."""
        if done and done[-1].engine == self._engine.info:
            try:
                return _RESUME.validate_json(done[-1].resume)
            except ValidationError:  # another release wrote it
                pass
        done.clear()
        return None

    def _stretch(self, start: float, settled: Settled, known: Known) -> Stretch:
        return Stretch(
            start=start,
            end=settled.rest.seconds,
            segments=settled.segments,
            dropped=settled.dropped,
            language=to_bcp47(known.language) or "",
            engine=self._engine.info,
            resume=_RESUME.dump_json(_Resume(settled.rest, known)).decode(),
        )


class _Work:
    """The way through one recording."""

    def __init__(self, reading: Reading, line: Line, tell: OnProgress, start: float) -> None:
        self._reading, self._line, self._tell = reading, line, tell
        self._order = Order()
        self._done = start  # seconds
        self._over = False  # whether all of it is cut

    def settled(self, batch_size: int) -> Iterator[Settled]:
        """Yield what is heard for good, in order, to the end of the recording."""
        self._progress()
        while True:
            self._read(batch_size)
            if self._line.tasks:
                self._hear()
            if settled := self._order.settled():
                self._done = settled.rest.seconds
                yield settled
            if self._over and not self._line.tasks:
                break
            self._progress()
        self._done = self._reading.seconds
        self._progress()

    def _read(self, batch_size: int) -> None:
        """Take cuts until they fill a batch, or nothing but silence has come for a while."""
        least = batch_size if self._line.hearing.known.language else FIRST
        tasks: list[Task] = []
        fresh = sum(task.attempt.step == 0 for task in self._line.tasks)
        while not self._over and fresh + len(tasks) < least:
            try:
                piece = self._reading.take(wait=TELL_SECONDS)
            except queue.Empty:
                self._progress()
                continue
            if piece is None:
                self._over = True
                break
            number = self._order.add(piece)
            if piece.window:
                tasks.append(Task(number, Attempt(piece.window)))
            elif self._line.tasks or tasks:
                self._progress()
            else:
                break
        self._line.put(tasks)

    def _hear(self) -> None:
        hurried = self._over or self._order.held_up >= HELD_UP
        for answer in self._line.take(hurried=hurried):
            outcome = self._line.hearing.settle(answer.task.attempt, answer.heard)
            self._order.note(answer.task.root, outcome.segments, len(outcome.again))
            self._line.put(Task(answer.task.root, again) for again in outcome.again)

    def _progress(self) -> None:
        total = self._reading.duration
        self._tell(round(self._done, 3), total and max(total, self._done))
