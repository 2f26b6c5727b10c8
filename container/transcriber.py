"""Hears one recording to the end: cuts it, decodes windows in batches, judges, redoes, stitches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO, cast

from container.audio import Recording
from container.judge import SHORT, Flag, compression_ratio, invented, judge, text_of, uncovered
from container.vad import SileroModel, Vad
from container.windows import LONGEST, PAD, PAUSE, Window, best_pause, clip, cut, quietest
from tiro.adapters.range_file import RangeFile
from tiro.job import Media
from tiro.language import to_bcp47
from tiro.ports import (
    SAMPLE_RATE,
    Blocks,
    DecodeOptions,
    HeardSegment,
    HeardWindow,
    MediaStore,
    OnProgress,
    SpeechEngine,
)
from tiro.request import Options, S3Object
from tiro.transcript import DroppedSegment, Segment, Transcript

LADDER = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Temperatures tried one after another while the text is not believable (openai/whisper, transcribe.py)."""

SEED = 20
"""Of everything sampled, so that the same recording is heard alike again."""

PROGRESS_SECONDS = 5.0
"""Wall seconds after which progress is told although no batch is done: ten hours of silence have none."""

HELD_SECONDS = (LONGEST + PAUSE) / SAMPLE_RATE
"""The most that the cutter may be holding back."""

EDGE = SAMPLE_RATE // 10
"""Samples that a segment may begin before its speech and end after it."""

NO_LANGUAGE = "zxx"
"""The BCP 47 tag of what is no language (ISO 639-2)."""

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Whisper's codes of the languages written without spaces (openai/whisper, tokenizer.py)."""


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
        with (
            RangeFile(self._media, media) as file,
            Recording(cast(BinaryIO, file), max_seconds=max_seconds) as recording,
        ):
            progress = _Progress(on_progress, recording, self._clock)
            windows = progress.wait(cut(progress.watch(recording.blocks()), self._vad.detector()))
            how = DecodeOptions(language=options.language or "", beam_size=self._beam_size, seed=SEED)
            hearing = _Hearing(self._engine, how)
            for batch in hearing.batches(windows, self._batch_size):
                hearing.hear(batch)
                progress.reach(max(attempt.window.end for attempt in batch) / SAMPLE_RATE)
            progress.reach(recording.seconds)
            return hearing.transcript(recording)


@dataclass(frozen=True)
class _Attempt:
    """A window to be decoded, and what became of it so far."""

    window: Window
    step: int = 0  # on the ladder
    flags: frozenset[Flag] = frozenset()  # that fired on the way here
    around: frozenset[Flag] = frozenset()  # LOOP, where a longer window around it looped
    best: _Result | None = None  # the most believable text so far

    def again(self, flags: frozenset[Flag], **changes: Any) -> _Attempt:
        return replace(self, flags=self.flags | flags, **changes)


@dataclass(frozen=True)
class _Result:
    """What was heard in a window, and what the guards say of it."""

    heard: HeardWindow
    flags: frozenset[Flag]
    temperature: float

    @property
    def belief(self) -> tuple[bool, float]:
        """Of two results the greater is the better: no loop first, then Whisper's own certainty."""
        return Flag.LOOP not in self.flags, self.heard.avg_logprob


class _Hearing:
    """One recording while it is heard: what is still to decode, and the segments so far."""

    def __init__(self, engine: SpeechEngine, options: DecodeOptions) -> None:
        self._engine, self._options = engine, options
        self._probability: float | None = None  # of a language that was detected
        self._again: list[list[_Attempt]] = [[] for _ in LADDER]
        self._segments: list[Segment] = []

    # ------------------------------------------------------------ what to decode next

    def batches(self, windows: Iterable[Window], size: int) -> Iterator[list[_Attempt]]:
        """Yield batches of one temperature. What is sampled waits until it fills a batch, or the end."""
        fresh = (_Attempt(window) for window in windows)
        while True:
            full = next((attempts for attempts in self._again[1:] if len(attempts) >= size), None)
            batch = _take(full if full is not None else self._again[0], size)
            if full is None:
                batch += islice(fresh, size - len(batch))
            if not batch:
                batch = _take(next(filter(None, self._again), []), size)
            if not batch:
                return
            yield batch

    def hear(self, batch: Sequence[_Attempt]) -> None:
        """Decode a batch and judge it; what must be redone comes again from `batches`."""
        encoded = self._engine.encode([attempt.window.pcm for attempt in batch])
        if not self._options.language:
            self._detect_language(encoded, batch)
        temperature = LADDER[batch[0].step]
        heard = self._engine.decode(encoded, replace(self._options, temperature=temperature))
        for attempt, h in zip(batch, heard, strict=True):
            self._settle(attempt, _Result(h, judge(attempt.window, h), temperature))

    def _detect_language(self, encoded: Any, batch: Sequence[_Attempt]) -> None:
        """Choose the likeliest language of the first batch, each window weighted by its speech."""
        weights = [attempt.window.speech for attempt in batch]
        chances: Counter[str] = Counter()
        for weight, window in zip(weights, self._engine.detect_language(encoded), strict=True):
            chances.update({language: weight * chance / sum(weights) for language, chance in window.items()})
        ((language, self._probability),) = chances.most_common(1)
        self._options = replace(self._options, language=language)

    # ------------------------------------------------------------ what to make of it

    def _settle(self, attempt: _Attempt, result: _Result) -> None:
        """Keep a text, or choose what may cure it: shorter windows first, then the ladder."""
        window, flags = attempt.window, result.flags
        best = max(filter(None, (attempt.best, result)), key=lambda r: r.belief)
        silent = flags >= {Flag.NO_SPEECH, Flag.LOW_LOGPROB}  # Whisper would not try again, nor do we
        if (
            flags & {Flag.LOOP, Flag.SPARSE}
            and attempt.step == 0
            and len(window.pcm) > SHORT * SAMPLE_RATE
            and not silent
        ):
            for half in _halves(window):
                around = attempt.around | (flags & {Flag.LOOP})
                self._again[0].append(attempt.again(flags, window=half, around=around))
        elif flags & {Flag.LOOP, Flag.LOW_LOGPROB} and not silent and attempt.step + 1 < len(LADDER):
            self._again[attempt.step + 1].append(attempt.again(flags, step=attempt.step + 1, best=best))
        else:
            self._keep(attempt, best if flags & {Flag.LOOP, Flag.LOW_LOGPROB} else result)

    def _keep(self, attempt: _Attempt, result: _Result) -> None:
        window = attempt.window
        ratio = compression_ratio(text_of(result.heard))
        for heard in result.heard.segments:
            if not heard.text.strip():
                continue
            against = invented(window, heard, result.flags | attempt.around)
            start, end = _times(window, heard)
            kind = DroppedSegment if against else Segment
            self._segments.append(
                kind(
                    start=start,
                    end=end,
                    text=heard.text.strip(),
                    avg_logprob=round(result.heard.avg_logprob, 4),
                    no_speech_prob=round(result.heard.no_speech_prob, 4),
                    compression_ratio=round(ratio, 3),
                    temperature=result.temperature,
                    flags=tuple(sorted(attempt.flags | result.flags | against)),
                )
            )
        for stretch in uncovered(window, result.heard):
            rest = window.part(stretch.start, stretch.end + PAD)
            if len(rest.pcm) <= len(window.pcm) - SAMPLE_RATE:  # each is shorter, so that this ends
                self._again[0].append(_Attempt(rest, flags=attempt.flags | {Flag.UNCOVERED}, around=attempt.around))

    def transcript(self, recording: Recording) -> Transcript:
        """Stitch what was heard together, in the order in which it was said."""
        heard = sorted(self._segments, key=lambda s: (s.start, s.end))
        kept = tuple(s for s in heard if not isinstance(s, DroppedSegment))
        language = self._options.language
        return Transcript(
            text=("" if language in UNSPACED else " ").join(s.text for s in kept),
            language=to_bcp47(language) if kept else NO_LANGUAGE,
            language_probability=self._probability if kept else None,
            duration=round(recording.seconds, 3),
            no_speech=not kept,
            segments=kept,
            dropped=tuple(s for s in heard if isinstance(s, DroppedSegment)),
            warnings=recording.warnings,
            engine=self._engine.info,
        )


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


def _take(attempts: list[_Attempt], size: int) -> list[_Attempt]:
    taken, attempts[:] = attempts[:size], attempts[size:]
    return taken


def _halves(window: Window) -> tuple[Window, Window]:
    """Cut a window in two at a pause near its middle, else where it is quietest."""
    third = len(window.pcm) // 3
    pause = best_pause(window.spans, window.start + third, window.end - third)
    at = (pause[0].end + pause[1].start) // 2 if pause else window.start + quietest(window.pcm, third, 2 * third)
    return window.part(window.start, at), window.part(at, window.end)


def _times(window: Window, heard: HeardSegment) -> tuple[float, float]:
    """Return start and end on the recording's clock, in seconds, drawn in to the speech between them."""
    start = window.start + round(heard.start * SAMPLE_RATE)
    end = window.start + round(heard.end * SAMPLE_RATE)
    if speech := clip(window.spans, start, end):
        start, end = max(start, speech[0].start - EDGE), min(end, speech[-1].end + EDGE)
    return round(start / SAMPLE_RATE, 3), round(end / SAMPLE_RATE, 3)
