"""Recordings made for tests: tones and voices of a kind, in any container PyAV can write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

from tiro.ports import PCM, SAMPLE_RATE


def tone(seconds: float, hertz: float = 440.0, *, rate: int = SAMPLE_RATE, level: float = 0.3) -> PCM:
    """Return a sine, shape (samples,)."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def silence(seconds: float) -> PCM:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def write(path: Path, channels: Any, *, codec: str = "pcm_s16le", rate: int = SAMPLE_RATE, layout: str = "") -> Path:
    """Write float samples of shape (channels, samples), or (samples,), as the file's suffix says."""
    samples = np.atleast_2d(np.asarray(channels, np.float32))
    layout = layout or {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.layout = layout
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        fits = av.AudioResampler(stream.format, layout, rate, frame_size=stream.codec_context.frame_size or 1024)
        for piece in (*fits.resample(frame), *fits.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def write_video(path: Path, seconds: int = 1) -> Path:
    """Write a film without sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(10 * seconds):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def power(block: PCM) -> float:
    """Return the mean square."""
    return float(np.mean(np.square(block)))
