"""Short pieces from all over a recording, by which a track with speech is found without decoding the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import av

EXCERPTS = 8
"""Places that are looked at, evenly spread."""

EXCERPT_SECONDS = 8.0
"""Seconds decoded at each: a pause between two speakers is shorter."""

FURTHEST = 30.0
"""Seconds before a place that are decoded to reach it, where the container has no nearer entry point."""


def excerpts(
    container: Any, frames: Callable[[], Iterator[Any]], *, zero: float, start: float, end: float | None
) -> Iterator[Any]:
    """Yield decoded frames between `start` and `end`, in seconds after `zero`, all of them where there are few.

    `frames` decodes on from where the container stands. Without a known `end`, and where a container cannot seek, they
    are the first frames.
    """
    length = EXCERPTS * EXCERPT_SECONDS
    if end is None or end - start <= 1.25 * length:
        places, each = [start], length if end is None else end - start
    else:
        places, each = [start + number * (end - start) / EXCERPTS for number in range(EXCERPTS)], EXCERPT_SECONDS
    for place in places:
        try:
            container.seek(int((place + zero) * av.time_base))
        except av.FFmpegError:  # no index, or a damaged one
            yield from _from(frames(), zero, place, length, furthest=float("inf"))
            return
        yield from _from(frames(), zero, place, each if end is None else min(each, end - place), furthest=FURTHEST)


def _from(frames: Iterator[Any], zero: float, start: float, seconds: float, *, furthest: float) -> Iterator[Any]:
    """Yield frames from a time on; where they have no time stamps, or are too far before it, from the first."""
    for frame in frames:
        at = None if frame.pts is None or frame.time_base is None else float(frame.pts * frame.time_base) - zero
        if at is not None and start - furthest < at < start:
            continue
        if seconds <= 0:
            return
        seconds -= frame.samples / frame.sample_rate
        yield frame
