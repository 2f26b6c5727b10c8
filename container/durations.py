"""How long a recording is, as far as its file says so, and where in it a frame belongs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
import av.logging
from av.stream import Disposition

from tiro.ports import SAMPLE_RATE

GAP = 0.25
"""Seconds of missing timestamps that are filled with silence, so that the clock stays the recording's."""

JUMP = 10.0
"""Seconds of missing timestamps that are a jump of the clock and no gap, unless the file's own length agrees."""

LAST_STAMP = ("mpeg", "mpegts")
"""Demuxers whose length is the difference of the last time stamp and the first: streams that were joined, or whose
clock began again, make it hours (`estimate_timings` in FFmpeg's demux.c)."""

_ESTIMATE = "Estimating duration from bitrate"


class Estimate:
    """Whether FFmpeg said, while it opened a file, that it estimates the length."""

    made = False


@contextmanager
def noticing_estimates() -> Iterator[Estimate]:
    """Notice that FFmpeg divides a file's size by its bitrate, by what it logs.

    PyAV does not expose `duration_estimation_method`.
    """
    estimate, before = Estimate(), (av.logging.get_level(), av.logging.get_skip_repeated())
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)  # the file before may have been estimated too
    try:
        with av.logging.Capture() as logs:
            yield estimate
    finally:
        av.logging.set_level(before[0])
        av.logging.set_skip_repeated(before[1])
        estimate.made = any(message.startswith(_ESTIMATE) for _, _, message in logs)


def stated_seconds(container: Any, stream: Any, estimate: Estimate) -> float | None:
    """Return the length of a stream that its file states; None where only decoding can tell.

    The size of a file of PCM is a statement too: each of its seconds has as many bytes.
    """
    is_pcm = stream.codec_context.name.startswith("pcm_")
    if (estimate.made and not is_pcm) or container.format.name in LAST_STAMP:
        return None
    if stream.duration and stream.time_base:  # a film may outlast its sound, and begin before it
        return _seconds(stream.duration, stream.time_base) + _lead(container, stream)
    return float(container.duration / av.time_base) if container.duration else None


def own_seconds(container: Any, stream: Any, stated: float | None) -> float | None:
    """Return what is `stated` of a stream itself; None where it is the length of a container with other streams.

    Matroska states only that of all streams, but most programs write each one's own into a tag.
    """
    sounding = [one for one in (*container.streams.audio, *container.streams.video) if not _is_picture(one)]
    if stated is None or stream.duration or len(sounding) == 1:
        return stated
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    return min(stated, int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])) if tag else None


def _is_picture(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _lead(container: Any, stream: Any) -> float:
    """Return the seconds by which a stream begins after the first one."""
    if stream.start_time is None:
        return 0.0
    start = (container.start_time or 0) / av.time_base
    return max(0.0, _seconds(stream.start_time, stream.time_base) - start)


class Clock:
    """Counts the seconds of frames, and of the gaps between them."""

    def __init__(self, start: int | None, stated: float | None, *, counted: bool = False) -> None:
        """`counted`: the file has no time stamps, and FFmpeg counts frames as if all had the first one's rate."""
        self.seconds = 0.0
        self._counted = counted
        self._rate: int | None = None  # Hz, of the first frame
        self._zero = (start or 0) / av.time_base  # seconds: the time stamp at which the recording begins
        self._stated = stated

    def gap(self, frame: Any) -> int:
        """Return the samples of silence to put before a frame, where its time stamp says that some are missing.

        Time stamps may jump by hours where streams were joined or a clock was set. A jump is no silence: from there
        on, the stamps count from the sound that there is.
        """
        pts, time_base = frame.pts, frame.time_base
        if pts is None or time_base is None:
            return 0
        missing = _seconds(pts, time_base) - self._zero - self.seconds
        self._rate = self._rate or frame.sample_rate
        if self._counted and frame.sample_rate != self._rate:
            self._zero += missing
            return 0
        room = JUMP if self._stated is None else self._stated - self.seconds
        if GAP < missing <= room:
            return round(missing * SAMPLE_RATE)
        if abs(missing) > JUMP:
            self._zero += missing
        return 0

    def skip(self, packet: Any) -> None:
        """Leave out a packet that is no sound, although its demuxer counted a duration for it."""
        if packet.duration and packet.time_base:
            self._zero += _seconds(packet.duration, packet.time_base)

    def after(self, frame: Any, gap: int) -> float:
        """Return the seconds there are at the end of a frame that has a gap before it."""
        return self.seconds + gap / SAMPLE_RATE + int(frame.samples) / int(frame.sample_rate)


def _seconds(ticks: int, time_base: Fraction) -> float:
    """Return a time stamp in seconds. It is asked for each frame, and arithmetic of fractions is slow."""
    return ticks * time_base.numerator / time_base.denominator
