"""Cuts a stream into windows that Whisper can hear: whole speech, at most 30 s, on the recording's own clock.

A window is one contiguous piece of the recording. Joining speech over cut-out silence would fill windows
better, and would cost the exact clock and the natural pauses that Whisper was trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np

from container.vad import FRAME, GROUP, Detector, Span, SpanTracker, Vad
from tiro.ports import PCM, SAMPLE_RATE, WINDOW_SECONDS, HeardSegment, HeardWord

LONGEST = int(WINDOW_SECONDS * SAMPLE_RATE)
"""Samples of the longest window."""

PAD = SAMPLE_RATE
"""Samples kept around speech. Whisper wants a breath before the first word: with 0.4 s instead of 1.0 s, ten
minutes of English prompts had 78 wrong words instead of 63, and 1.5 s gained nothing more."""

PAUSE = int(5.0 * SAMPLE_RATE)
"""Samples of silence that always end a window; a shorter silence may stand inside one."""

QUIET = LONGEST
"""Samples of silence after which a cut says that there was nothing: ten hours of it have no windows."""

EDGE = SAMPLE_RATE // 10
"""Samples that what is said may begin before the speech that was detected, and end after it."""

LONG_PAUSE = SAMPLE_RATE
"""Samples beyond which a longer pause makes no better cut: a full stop is a full stop."""


NOTHING: PCM = np.zeros(0, np.float32)


@dataclass(frozen=True)
class Window:
    """A piece of a recording with speech in it. All positions are samples on the recording's clock."""

    start: int
    pcm: PCM
    spans: tuple[Span, ...]  # the speech detected in it
    channel: str | None = None  # the label of the one it was heard on, where channels are kept apart

    @property
    def end(self) -> int:
        return self.start + len(self.pcm)

    @property
    def speech(self) -> float:
        """Seconds of detected speech."""
        return sum(span.seconds for span in self.spans)

    def samples(self, heard: HeardSegment | HeardWord) -> tuple[int, int]:
        """Return from where to where something was heard, on the recording's clock."""
        return self.start + round(heard.start * SAMPLE_RATE), self.start + round(heard.end * SAMPLE_RATE)

    def part(self, start: int, end: int) -> Window:
        """Return the window from `start` to `end`, clipped to this one."""
        start, end = max(start, self.start), min(end, self.end)
        pcm = self.pcm[start - self.start : end - self.start]
        return replace(self, start=start, pcm=pcm, spans=clip(self.spans, start, end))


def clip(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    """Return what of `spans` lies between `start` and `end`."""
    return tuple(Span(max(s.start, start), min(s.end, end)) for s in spans if s.start < end and s.end > start)


@dataclass(frozen=True)
class Position:
    """From where a recording can be cut on, as if it had never been left. Samples on the recording's clock."""

    base: int  # before it nothing is needed any more; from here on the audio must be read again
    heard: int  # so far the voice detector has come
    done: int  # where the last window ended
    spans: tuple[Span, ...]  # speech that stands in no window yet
    open_since: int | None  # where speech began that is not over
    silent_since: int | None  # where it may be over
    voice: str  # what the detector remembers
    over: bool  # whether the recording ends here

    @property
    def seconds(self) -> float:
        """Where the rest begins."""
        return self.base / SAMPLE_RATE


BEGINNING = Position(base=0, heard=0, done=0, spans=(), open_since=None, silent_since=None, voice="", over=False)


@dataclass(frozen=True)
class Cut:
    """A piece that was cut off a recording: a window, or (None) a while of silence."""

    window: Window | None
    rest: Position


def cut(blocks: Iterable[PCM], vad: Vad, since: Position = BEGINNING) -> Iterator[Cut]:
    """Yield the windows of a recording in order, none overlapping; together they hold all detected speech.

    `blocks` begin with the recording, also where it is cut on from a position in it. Holds little more than one
    window in memory, and gives the same windows however the stream is cut into blocks, and wherever it is left and
    taken up again.
    """
    audio, rest = _between(iter(blocks), since.base, since.heard)
    cutter = _Cutter(vad.detector(since.voice), since, audio)
    yield from cutter.ready()
    for group in regroup(rest, GROUP * FRAME):
        cutter.hear(group)
        yield from cutter.ready()
    cutter.finish()
    yield from cutter.ready()


def quietest(pcm: PCM, start: int, end: int) -> int:
    """Return where `pcm` is quietest between `start` and `end`: the middle of the quietest 160 ms."""
    frames = pcm[start:end]
    frames = frames[: len(frames) // FRAME * FRAME].reshape(-1, FRAME)
    if len(frames) < 5:
        return (start + end) // 2
    loudness = np.convolve(np.mean(np.square(frames), axis=1), np.ones(5), "valid")
    return start + (int(np.argmin(loudness)) * 2 + 5) * FRAME // 2


def best_pause(spans: Iterable[Span], start: int, end: int) -> tuple[Span, Span] | None:
    """Return the two spans around the pause between `start` and `end` where cutting costs least.

    A long pause is better than a short one, a late one (which fills the window) better than an early one.
    """
    spans = tuple(spans)
    pauses = [(a, b) for a, b in pairwise(spans) if start <= (a.end + b.start) // 2 <= end]
    return max(pauses, key=lambda p: min(p[1].start - p[0].end, LONG_PAUSE) * (p[0].end - start + PAD), default=None)


class _Cutter:
    def __init__(self, detector: Detector, since: Position, audio: PCM) -> None:
        self._detector = detector
        self._audio = audio  # what may still be needed
        self._base = since.base  # where it begins
        self._heard = since.heard  # where it ends
        self._done = since.done  # where the last window ended
        self._spans = list(since.spans)  # speech that stands in no window yet
        self._over = since.over
        self._told = self._base  # up to where cuts were given out
        self._tracker = SpanTracker(
            frame=self._heard // FRAME, open_since=since.open_since, silent_since=since.silent_since
        )

    @property
    def _open(self) -> int | None:
        """Where speech began that is not over."""
        return self._tracker.open_since

    def hear(self, audio: PCM) -> None:
        """Take what follows. Only the last piece of a recording may be other than a group of frames."""
        frames = np.pad(audio, (0, -len(audio) % FRAME)).reshape(-1, FRAME)
        self._audio = np.concatenate([self._audio, audio])
        self._heard += len(audio)
        self._add(self._tracker.feed(self._detector(frames)))

    def finish(self) -> None:
        self._add(self._tracker.finish(self._heard))
        self._over = True

    def _add(self, spans: Iterable[Span]) -> None:
        self._spans.extend(clip(spans, self._done, self._heard))  # the first may have begun in a window already cut

    def ready(self) -> Iterator[Cut]:
        while (spans := self._in_sight()) and (end := self._end(spans)):
            window = self._take(self._start(spans), end)
            self._let_go()
            yield Cut(window, self._position())
        self._let_go()
        if not spans and self._base - self._told >= QUIET:
            yield Cut(None, self._position())

    def _let_go(self) -> None:
        """Forget the audio that no window can begin with any more."""
        spans = self._in_sight()
        keep = self._start(spans) if spans else max(self._heard - PAD - GROUP * FRAME, self._done)
        self._audio = self._audio[max(0, keep - self._base) :]
        self._base = max(self._base, keep)

    def _position(self) -> Position:
        self._told = self._base
        return Position(
            base=self._base,
            heard=self._heard,
            done=self._done,
            spans=tuple(self._spans),
            open_since=self._open,
            silent_since=self._tracker.silent_since,
            voice=self._detector.state,
            over=self._over,
        )

    def _in_sight(self) -> list[Span]:
        """Return the speech of the next window and what follows it without a long pause."""
        known = list(self._spans)
        if self._open is not None and self._heard > (start := max(self._open, self._done)):
            known.append(Span(start, self._heard))
        for i, (a, b) in enumerate(pairwise(known)):
            if b.start - a.end >= PAUSE:
                return known[: i + 1]
        return known

    def _start(self, spans: list[Span]) -> int:
        return max(spans[0].start - PAD, self._done)

    def _end(self, spans: list[Span]) -> int | None:
        """Return where the next window ends, or None when more must be heard to say."""
        start = self._start(spans)
        over = self._over or self._heard - spans[-1].end >= PAUSE or len(spans) < len(self._spans)
        if over and spans[-1].end <= start + LONGEST:
            return min(spans[-1].end + PAD, start + LONGEST, self._heard)
        if not over and self._heard < start + LONGEST:
            return None
        pause = best_pause(spans, start + LONGEST // 2, start + LONGEST)
        if pause is not None:
            return min(pause[0].end + PAD, (pause[0].end + pause[1].start) // 2)
        offset = start - self._base
        return self._base + quietest(self._audio, offset + LONGEST * 2 // 3, offset + LONGEST)

    def _take(self, start: int, end: int) -> Window:
        everything = self._spans + ([Span(self._open, self._heard)] if self._open is not None else [])
        pcm = self._audio[start - self._base : end - self._base].copy()
        window = Window(start, pcm, clip(everything, start, end))
        self._done = end
        self._spans = list(clip(self._spans, end, self._heard))
        return window


def _between(blocks: Iterator[PCM], start: int, end: int) -> tuple[PCM, Iterator[PCM]]:
    """Let go by what comes before `start`; return what lies between it and `end`, and the blocks of what follows."""
    at, kept = 0, [NOTHING]
    for block in blocks:
        kept.append(block[max(0, start - at) : max(0, end - at)])
        at += len(block)
        if at >= end:
            return np.concatenate(kept), chain([block[len(block) - (at - end) :]], blocks)
    return np.concatenate(kept), blocks


def regroup(blocks: Iterable[PCM], size: int) -> Iterator[PCM]:
    """Yield the same samples in pieces of exactly `size`, the last one shorter."""
    waiting: list[PCM] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= size:
            joined = np.concatenate(waiting)
            for start in range(0, count - size + 1, size):
                yield joined[start : start + size]
            rest = joined[count // size * size :]
            waiting, count = [rest], len(rest)
    if count:
        yield np.concatenate(waiting)
