"""Hears one recording to the end: reads ahead, has its windows heard, tells how far it is and what is settled."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Protocol, cast

from pydantic import TypeAdapter, ValidationError

from container.audio import Part, Recording
from container.batching import Batcher, Line, Task
from container.fingerprint import Fingerprint
from container.hearing import Hearing
from container.order import Order, Pending
from container.raw_formats import raw_hint
from container.reading import Piece, Reading, Rest
from container.tongue import Known
from container.track_opener import OpenedSound, TrackOpener
from container.vad import SileroModel, Vad
from container.windows import Position
from tiro.adapters.range_file import RangeFile
from tiro.checkpoint import Stretch, unbroken
from tiro.job import Media
from tiro.language import to_bcp47
from tiro.model import check_understood
from tiro.ports import SAMPLE_RATE, Checkpoint, DecodeOptions, MediaStore, OnProgress, SpeechEngine
from tiro.request import Options, S3Object
from tiro.transcript import DroppedSegment, Segment, Transcript

SEED = 20
"""Of everything sampled."""

TELL_SECONDS = 1.0
"""Wall seconds after which progress is told although the recording brings nothing: a network may hang."""

HELD_UP = 8
"""Pieces behind one that waits to be sampled in company, after which it waits no longer: they are not settled."""

FIRST = 4
"""Windows, the first of a recording or of its channel, that choose its language: never as many as a batch happens to
have room for."""

FIRST_SECONDS = 120.0
"""After the first of them, the others are not waited for any longer."""


class OpenSound(Protocol):
    def __call__(self, file: BinaryIO, *, max_seconds: float, part: Part) -> AbstractContextManager[OpenedSound]: ...


@dataclass(frozen=True)
class _Resume:
    """What it takes to go on with a recording."""

    rest: Mapping[str, Position]
    known: Mapping[str, Known]
    track: int | None = None  # that was chosen, where the options name none


_RESUME = TypeAdapter(_Resume)
_BEGINNING = _Resume({}, {})


class WindowTranscriber:
    """`tiro.ports.Transcriber` over any media store and any engine. All recordings share the engine."""

    def __init__(
        self,
        *,
        media: MediaStore,
        engine: SpeechEngine,
        vad: Vad | None = None,
        batch_size: int = 8,
        beam_size: int = 5,
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
        check_understood(self._engine.info.model, language=options.language, task=options.task)
        done = list(unbroken(checkpoint.stretches)) if checkpoint else []
        since = self._resume(done)
        hearing = Hearing(options, DecodeOptions(language="", beam_size=self._beam_size, seed=SEED), since.known)
        open_part = partial(self._open_part, media, max_seconds)
        part = Part(options.start, options.end, hint=raw_hint(media))
        opener = TrackOpener(open_part, options, part, vad=self._vad, track=since.track)
        reader = Reading(opener, self._vad, since=since.rest, ahead=self._batch_size)
        with Fingerprint(self._media, media) as fingerprint, reader as reading, self._batcher.line(hearing) as line:
            for settled in _Work(reading, line, on_progress, done[-1].end if done else 0.0).settled(self._batch_size):
                done.append(self._stretch(done, settled, hearing.known, opener.track))
                if checkpoint:
                    checkpoint.add(done[-1])
            segments: list[Segment] = [s for stretch in done for s in (*stretch.segments, *stretch.dropped)]
            transcript = hearing.transcript(
                segments, duration=reading.seconds, warnings=reading.warnings, engine=self._engine.info
            )
            return transcript.model_copy(update={"media_sha256": fingerprint.sha256()})

    @contextmanager
    def _open_part(self, media: Media, max_seconds: float, part: Part) -> Iterator[OpenedSound]:
        with (
            RangeFile(self._media, media) as file,
            self._open_sound(cast(BinaryIO, file), max_seconds=max_seconds, part=part) as sound,
        ):
            yield sound

    # ------------------------------------------------------------ to go on

    def _resume(self, done: list[Stretch]) -> _Resume:
        """Return what the last stretch says of how to go on; where it is not ours to go on, forget all of them."""
        if done and done[-1].engine == self._engine.info:
            try:
                return _RESUME.validate_json(done[-1].resume)
            except ValidationError:  # another release wrote it
                pass
        done.clear()
        return _BEGINNING

    def _stretch(
        self, done: Sequence[Stretch], settled: Sequence[Pending], known: Mapping[str, Known], track: int | None
    ) -> Stretch:
        rest = settled[-1].piece.rest
        segments = [segment for pending in settled for segment in pending.segments]
        start = done[-1].end if done else 0.0
        return Stretch(
            start=start,
            end=max(start, _reached(rest)),
            anew=not done,
            segments=tuple(s for s in segments if not isinstance(s, DroppedSegment)),
            dropped=tuple(s for s in segments if isinstance(s, DroppedSegment)),
            language=next((to_bcp47(each.language) or "" for each in known.values()), ""),
            engine=self._engine.info,
            resume=_RESUME.dump_json(_Resume(rest, known, track)).decode(),
        )


class _Work:
    """The way through one recording."""

    def __init__(self, reading: Reading, line: Line, tell: OnProgress, start: float) -> None:
        self._reading, self._line, self._tell = reading, line, tell
        self._order = Order()
        self._first: dict[str | None, list[Task]] = {}  # by channel, what will choose its language
        self._done = start  # seconds
        self._over = False  # whether all of it is cut

    def settled(self, batch_size: int) -> Iterator[list[Pending]]:
        """Yield what is heard for good, in order, to the end of the recording."""
        self._progress()
        while True:
            self._read(batch_size)
            if self._line.unanswered:
                self._hear()
            if settled := self._order.settled():
                self._count(settled)
                yield settled
            if self._over and not self._line.unanswered:
                break
            self._progress()
        self._done = self._reading.seconds
        self._progress()

    def _read(self, batch_size: int) -> None:
        """Take pieces until they fill a batch, can choose a language, or are nothing but silence."""
        while not self._over and not self._enough(batch_size):
            try:
                piece = self._reading.take(wait=TELL_SECONDS)
            except queue.Empty:
                self._progress()
                continue
            self._over = piece is None
            if piece:
                self._add(piece)
            self._release(piece)
            if piece and not piece.window:
                self._progress()
                if self._order.held_up == 0:
                    return

    def _enough(self, batch_size: int) -> bool:
        fresh = [task for task in self._line.unanswered if task.attempt.step == 0]
        # Before another window of a channel is cut, its language is decided: who votes must not be chance.
        return len(fresh) >= batch_size or any(not self._line.options(task).language for task in fresh)

    def _add(self, piece: Piece) -> None:
        attempts = self._line.hearing.attempts(piece.window) if piece.window else ()
        number = self._order.add(piece, len(attempts))
        tasks = [Task(number, attempt) for attempt in attempts]
        if piece.window and self._line.hearing.undecided(piece.window):
            self._first.setdefault(piece.window.channel, []).extend(tasks)
        else:
            self._line.put(tasks)

    def _release(self, now: Piece | None) -> None:
        """Have a language chosen when enough windows are there to choose it, or when they are long in coming."""
        for channel, tasks in list(self._first.items()):
            waited = now.start - tasks[0].attempt.window.start / SAMPLE_RATE if now else FIRST_SECONDS
            if waited >= FIRST_SECONDS or len({task.root for task in tasks}) >= FIRST:
                self._line.put(self._first.pop(channel))

    def _hear(self) -> None:
        hurried = self._over or self._order.held_up >= HELD_UP
        for answer in self._line.take(hurried=hurried):
            self._order.note(answer)
            self._line.put(Task(answer.task.root, again) for again in answer.outcome.again)

    def _count(self, settled: Sequence[Pending]) -> None:
        for pending in settled:
            if pending.piece.window:
                self._line.hearing.count(pending.piece.window, pending.votes)
        self._done = max(self._done, _reached(settled[-1].piece.rest))

    def _progress(self) -> None:
        total = self._reading.duration
        self._tell(round(self._done, 3), total and max(total, self._done))


def _reached(rest: Rest) -> float:
    """Return the second up to which nothing is needed any more, on no channel. A channel that is over needs nothing."""
    open_ones = [position.seconds for position in rest.values() if not position.over or position.spans]
    return min(open_ones) if open_ones else max(position.seconds for position in rest.values())
