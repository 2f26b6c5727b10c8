"""Decoded frames as arrays of float32, shape (channels, samples), in which every value is a usable sample.

PyAV's own way, `AudioFrame.planes` and `to_ndarray()`, is not safe: it searches for a null pointer behind the planes,
which is not there for eight channels or more, and it frees a layout with its own channel order twice.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.plane import AudioPlane

from tiro.ports import SAMPLE_RATE

GATHERED = 0.5
"""Seconds that are converted and resampled at once. A frame may have 2.5 ms, and each turn costs as much as 50."""

CHANNELS_AT_ONCE = 64
"""Channels that one resampler takes: libswresample's SWR_CH_MAX."""

LIMIT = 8.0
"""Largest magnitude that is taken for sound (18 dB over full scale, 1.0): recordings in floating point may well exceed
full scale, and lose nothing by it; a value beyond this is an error of the program that wrote it."""

_TINY = float(np.finfo(np.float32).tiny)

_TYPES: dict[str, type[Any]] = {  # by sample format
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}

_FULL_SCALES: dict[type[Any], float] = {np.uint8: 2.0**7, np.int16: 2.0**15, np.int32: 2.0**31, np.int64: 2.0**63}


def decode(packet: Any) -> list[Any]:
    """Return the frames of a packet. Raises av.FFmpegError.

    Some decoders end with a frame of no samples (ADX), which a resampler takes for memory that ran out.
    """
    frames: list[Any] = packet.decode()
    for frame in frames:
        _keep(frame.layout)
    return [frame for frame in frames if frame.samples]


def channel_count(owner: Any) -> int:
    """Return the number of channels of a frame or of a codec context."""
    layout = owner.layout
    _keep(layout)
    return int(layout.nb_channels)


def _keep(layout: Any) -> None:
    """Never free a layout that may have a channel order of its own: about 100 bytes each.

    PyAV copies a layout without the list of channels that it points to, and frees that list with each copy.
    """
    if "(" in layout.name or "ambisonic" in layout.name:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(layout))


def planes(frame: Any, channels: int) -> Any:
    """Return a frame's samples in their own type, shape (channels, samples). Raises ValueError if bytes are missing."""
    if frame.format.is_planar and channels > 1:
        return np.stack([_plane(frame, number, frame.samples) for number in range(channels)])
    return _plane(frame, 0, frame.samples * channels).reshape(-1, channels).T


def _plane(frame: Any, number: int, count: int) -> Any:
    plane: Any = AudioPlane(frame, number)
    return np.frombuffer(plane, _TYPES[frame.format.packed.name], count)


class Samples:
    """Reads frames, and counts what in them is no sound."""

    def __init__(self) -> None:
        self._not_numbers = self._too_large = 0  # samples

    def read(self, frame: Any) -> Any:
        """Return a frame's samples as float32, full scale at 1.0, shape (channels, samples)."""
        return self.convert(planes(frame, channel_count(frame)))

    def convert(self, raw: Any) -> Any:
        """Return what `planes` returned as float32, full scale at 1.0."""
        kind = raw.dtype.type
        if issubclass(kind, np.floating):
            return self._clean(raw)
        wide, scale = raw.astype(np.float64 if kind is np.int64 else np.float32), _FULL_SCALES[kind]
        return ((wide - scale if kind is np.uint8 else wide) / scale).astype(np.float32, copy=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the samples read so far."""
        warnings = []
        if self._not_numbers:
            warnings.append(f"{self._not_numbers} samples are not numbers (NaN or infinite). They count as silence.")
        if self._too_large:
            warnings.append(f"{self._too_large} samples are far over full scale. They are clipped.")
        return tuple(warnings)

    def _clean(self, raw: Any) -> Any:
        """Return floating point samples as float32, without what would spoil the samples near it.

        A resampler spreads one NaN over the length of its filter, and a model over the whole window.
        """
        size = np.abs(raw)
        if not size.max(initial=0) <= LIMIT:  # also where the largest is NaN
            finite = np.isfinite(raw)
            self._not_numbers += raw.size - int(np.count_nonzero(finite))
            self._too_large += int(np.count_nonzero(finite & (size > LIMIT)))
            raw = np.clip(np.where(finite, raw, 0), -LIMIT, LIMIT)
            size = np.abs(raw)
        samples = raw.astype(np.float32)
        if size.min(initial=1) < _TINY:
            samples[size < _TINY] = 0  # denormal: inaudible, and slow to compute with
        return samples


class Resampler:
    """Brings some of the channels of one type, rate and count to float32 at SAMPLE_RATE, cut into `block` samples."""

    def __init__(self, samples: Samples, rate: int, channels: range, *, block: int) -> None:
        self._samples, self._rate = samples, rate
        self._gathered: list[Any] = []
        self._count = 0  # samples gathered
        groups = [channels[at : at + CHANNELS_AT_ONCE] for at in range(0, len(channels), CHANNELS_AT_ONCE)]
        self._groups = [slice(group.start, group.stop) for group in groups]
        self._resamplers = [av.AudioResampler(format="fltp", rate=SAMPLE_RATE, frame_size=block) for _ in self._groups]

    def __call__(self, raw: Any) -> Iterator[Any]:
        """Take what `planes` returned, and yield what can be resampled by now."""
        self._gathered.append(raw)
        self._count += raw.shape[1]
        if self._count >= GATHERED * self._rate:
            yield from self._resample()

    def flush(self) -> Iterator[Any]:
        """Yield the rest. Nothing can follow."""
        if self._gathered:
            yield from self._resample()
        yield from self._stack([resampler.resample(None) for resampler in self._resamplers])

    def _resample(self) -> Iterator[Any]:
        samples = self._samples.convert(np.concatenate(self._gathered, axis=1))
        self._gathered.clear()
        self._count = 0
        turns = zip(self._resamplers, self._groups, strict=True)
        yield from self._stack([resampler.resample(self._frame(samples[group])) for resampler, group in turns])

    def _frame(self, samples: Any) -> Any:
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=f"{len(samples)} channels")
        frame.sample_rate = self._rate
        return frame

    @staticmethod
    def _stack(groups: list[list[Any]]) -> Iterator[Any]:
        for pieces in zip(*groups, strict=True):
            parts = [planes(piece, channel_count(piece)) for piece in pieces]
            yield parts[0] if len(parts) == 1 else np.concatenate(parts)
