"""Any recording, as a stream of 16 kHz mono blocks: decoded as it is read, never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from types import TracebackType
from typing import Any, BinaryIO, Self

import av
import numpy as np

from container.damage import ELEMENTARY, Damage
from container.downmix import Downmix
from container.durations import Clock, noticing_estimates, own_seconds, stated_seconds
from container.excerpts import excerpts
from container.opening import open_media
from container.raw_formats import missing_parameters
from container.samples import Resampler, Samples, channel_count, decode, planes
from container.source import Source
from container.tracks import by_preference, read_tracks, select
from tiro.errors import (
    MediaEmpty,
    MediaError,
    MediaTooLong,
    NotAudio,
    PartNotThere,
    TooManyChannels,
)
from tiro.ports import PCM, SAMPLE_RATE

BLOCK = SAMPLE_RATE // 2
"""Samples of one block; the last of a stretch may be shorter."""

MAX_DAMAGE = 64
"""Read errors in a row after which the rest of a file is given up."""

SLACK = 0.05
"""Seconds by which a recording may be shorter than it states, and be complete."""

CONVERT = "Convert it to WAV or FLAC with another program, and submit that."

MAX_APART = 8
"""Channels that are heard apart at most: 7.1 has them, and each costs as much as a recording."""

LEAD = 1.0
"""Seconds decoded before the part wanted, so that a resampler and a codec have settled when it begins."""


@dataclass(frozen=True)
class Part:
    """What of a recording is wanted, and how."""

    start: float = 0.0  # seconds
    end: float | None = None  # seconds; None: to the end
    channel: int | None = None  # by number, from 0; None: a mix of all
    hint: str | None = None  # container.raw_formats.raw_hint(): an extension, used where the content says nothing
    track: int | None = None  # by number, from 1; None: the one that `tracks.by_preference` puts first
    excerpts: bool = False  # short pieces from all over the part, instead of all of it

    @property
    def first(self) -> int:
        """The first sample wanted."""
        return round(self.start * SAMPLE_RATE)

    @property
    def last(self) -> int | None:
        """The first sample not wanted any more."""
        return None if self.end is None else round(self.end * SAMPLE_RATE)


WHOLE = Part()


class Recording:
    """One recording, open for decoding. Use it as a context manager; read `blocks()` once.

    Raises MediaEmpty, NotAudio, NoAudioTrack, TrackNotThere, PartNotThere, TooManyChannels, and MediaTooLong as soon as
    headers or samples pass `max_seconds`; MemoryError where the process may have no more.
    Whatever `file.read` raises comes out unchanged.
    """

    def __init__(self, file: BinaryIO, *, max_seconds: float, part: Part = WHOLE) -> None:
        self._file = Source(file)
        self._max_seconds, self._part = max_seconds, part
        self._at = 0  # samples decoded
        self._given = 0  # samples given out
        self._samples = Samples()
        self._resampler: Resampler | None = None
        self._mix = Downmix()
        self._read_as: str | None = None  # the raw format that the name said, where the content said nothing
        self._container = self._open()
        self._damage = Damage(self._container.format.name, self._file.size)
        try:
            self.track = select(self._container, part.track)  # by number, from 1
            self.tracks = read_tracks(self._container)
            self.preference = by_preference(self._container)  # numbers of tracks that can be decoded, the best first
            self._stream = self._container.streams.audio[self.track - 1]
            stated = stated_seconds(self._container, self._stream, self._estimate)
            self._stated = None if self._file.is_corrected else stated  # other chunks may say the same
            self.duration = self._part_duration()  # seconds of the part, or None where only decoding can tell
            self._promised = self._of_part(own_seconds(self._container, self._stream, self._stated))
            self._source: Iterator[Any] = self._excerpts(part) if part.excerpts else self._frames()
        except BaseException:
            self._container.close()
            raise
        counted = self._container.format.name in ELEMENTARY
        self._clock = Clock(self._container.start_time, self._stated, counted=counted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def seconds(self) -> float:
        """Seconds of audio given out so far."""
        return self._given / SAMPLE_RATE

    def channels(self) -> tuple[str, ...]:
        """Return the labels of the channels, by number. Ask before reading blocks. Raises TooManyChannels."""
        first = next(self._source, None)  # headers may tell of fewer: the last that was seen while they were read
        self._source = chain([first] if first else [], self._source)
        count = max(channel_count(self._stream.codec_context), channel_count(first) if first else 1)
        if count > MAX_APART:
            raise TooManyChannels(f"The recording has {count} channels; at most {MAX_APART} are heard apart.")
        return ("left", "right") if count == 2 else tuple(str(number + 1) for number in range(count))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of the file, once it is read."""
        warnings = []
        if self._read_as:
            warnings.append(
                f"Nothing in the file says what it is. Because of its name or type it was read as {self._read_as}; "
                "if the text makes no sense, it is something else."
            )
        if damage := self._damage_count():
            warnings.append(f"The recording is damaged: {damage} pieces of it could not be decoded.")
        if self._promised and self.seconds < 0.95 * self._promised - 1:
            warnings.append(
                f"Only {self.seconds:.1f} s could be decoded of the {self._promised:.1f} s that the file promises."
            )
        return (*warnings, *self._file.warnings, *self._samples.warnings)

    def _damage_count(self) -> int:
        complete = self._stated is not None and self._clock.seconds >= self._stated - SLACK
        return self._damage.count(complete=complete)

    def blocks(self) -> Iterator[PCM]:
        """Yield mono float32 at SAMPLE_RATE, at most BLOCK samples at a time."""
        setup: tuple[Any, ...] | None = None
        for frame in self._source:
            gap = self._clock.gap(frame)
            if self._is_early(frame, gap):
                continue
            raw = planes(frame, channel_count(frame))
            if setup != (setup := (raw.dtype, len(raw), frame.sample_rate)) or gap:
                yield from self._flush()  # what came before, at its own rate
                self._resampler = Resampler(self._samples, frame.sample_rate, self._wanted(len(raw)), block=BLOCK)
            yield from self._silence(gap)
            self._clock.seconds = self._clock.after(frame, gap)
            yield from self._resample(raw)
            if self._part.last is not None and self._at >= self._part.last:
                return
        yield from self._flush()
        if self._at and not self._given:
            raise PartNotThere(
                f"The recording is {self._clock.seconds:.1f} s long, and ends before {self._part.start:g} s."
            )
        if not self._given:
            if self._damage_count():
                raise NotAudio(f"Nothing in this file could be decoded as audio. {CONVERT}")
            raise MediaEmpty("There is an audio track, and no sound in it. Check the recording.")

    # ------------------------------------------------------------ opening

    def _open(self) -> Any:
        if not self._file.read(1):
            raise MediaEmpty("The file has no bytes. Check it, and send it again.")
        self._file.correct()
        with noticing_estimates() as self._estimate:
            opened = open_media(self._file, self._part.hint, self._check)
        if opened is None:
            raise NotAudio(
                missing_parameters(self._part.hint)
                or f"The file is not in any audio or video format Tiro can read, or its start is damaged. {CONVERT}"
            )
        container, self._read_as = opened
        return container

    def _part_duration(self) -> float | None:
        """Return the seconds of the part, as far as the file states them. Raises MediaTooLong."""
        if self._stated is not None and self._stated > self._max_seconds:
            raise self._too_long(self._stated)
        return self._of_part(self._stated)

    def _of_part(self, seconds: float | None) -> float | None:
        """Return the seconds of the part in a recording of `seconds`; None where the recording ends before it."""
        if seconds is None or seconds <= self._part.start:
            return None
        return min(seconds, self._part.end or seconds) - self._part.start

    # ------------------------------------------------------------ decoding

    def _excerpts(self, part: Part) -> Iterator[Any]:
        self._part = replace(part, start=0.0, end=None)  # all that comes is wanted
        length = self._stated or (self._container.duration or 0) / av.time_base or None  # an estimate will do
        end = part.end if length is None else min(length, part.end or length)
        start = (self._container.start_time or 0) / av.time_base
        for frame in excerpts(self._container, self._frames, zero=start, start=part.start, end=end):
            frame.pts = None  # the time between two excerpts is no gap to be filled
            yield frame

    def _frames(self) -> Iterator[Any]:
        for packet in self._packets():
            if self._damage.is_in_tag(packet):
                self._clock.skip(packet)
                continue
            try:
                frames = decode(packet)
            except av.FFmpegError as error:
                self._check(error)
                if self._damage.is_tag(packet):
                    self._clock.skip(packet)
                else:
                    self._damage.failed(packet)
                continue
            if frames:
                self._damage.sounded()
            yield from frames

    def _packets(self) -> Iterator[Any]:
        failures = 0
        while failures < MAX_DAMAGE:
            try:
                for packet in self._container.demux(self._stream):
                    yield packet
                    failures = 0
            except av.FFmpegError as error:  # a new demux() goes on behind the damage
                self._check(error)
                failures += 1
                self._damage.failed()
            else:
                break
            finally:
                self._file.check()

    def _check(self, error: Exception) -> None:
        """Raise what is not the recording's damage: a read that failed, or memory that ran out."""
        self._file.check()
        if isinstance(error, MemoryError):
            raise error

    def _is_early(self, frame: Any, gap: int) -> bool:
        """Go past a frame that is over long before the part wanted begins: it need not be resampled."""
        ends = self._clock.after(frame, gap)
        if self._resampler is not None or ends >= self._part.start - LEAD:
            return False
        self._clock.seconds = ends
        self._at = round(ends * SAMPLE_RATE)
        return True

    def _wanted(self, channels: int) -> range:
        """Return the channel that is wanted, or all; where it goes missing, the last that is there stands for it."""
        if self._part.channel is None:
            return range(channels)
        channel = min(self._part.channel, channels - 1)
        return range(channel, channel + 1)

    def _resample(self, samples: Any) -> Iterator[PCM]:
        """Yield mono blocks of what can be resampled by now; of the rest, where there are no more samples."""
        assert self._resampler is not None  # noqa: S101 - blocks() made one
        for block in self._resampler.flush() if samples is None else self._resampler(samples):
            yield from self._give(self._mix(block))

    def _flush(self) -> Iterator[PCM]:
        if self._resampler is not None:
            yield from self._resample(None)
            self._resampler = None

    def _silence(self, samples: int) -> Iterator[PCM]:
        for start in range(0, samples, BLOCK):
            yield from self._give(np.zeros(min(BLOCK, samples - start), np.float32))

    def _give(self, block: PCM) -> Iterator[PCM]:
        """Yield what of a block is wanted."""
        at, self._at = self._at, self._at + len(block)
        if self._at > self._max_seconds * SAMPLE_RATE:
            raise self._too_long(None)
        last = self._at if self._part.last is None else self._part.last
        wanted = block[max(self._part.first - at, 0) : max(last - at, 0)]
        if len(wanted):
            self._given += len(wanted)
            yield wanted

    def _too_long(self, seconds: float | None) -> MediaError:
        long = f"{seconds:.0f} s long" if seconds else f"longer than {self._max_seconds:.0f} s"
        return MediaTooLong(f"The recording is {long}; at most {self._max_seconds:.0f} s are taken. Split it.")
