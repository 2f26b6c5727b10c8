"""Recordings of several audio tracks, made for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from tiro.ports import PCM, SAMPLE_RATE

__all__ = ["AudioTrack", "Disposition", "tones", "without_codec", "write_tracks"]

UNKNOWN_CODECS = {b"A_ALAC": b"A_XLAC", b"alac": b"xlac"}
"""Bytes that name the ALAC codec in Matroska and MP4, and a codec that there is not."""


@dataclass
class AudioTrack:
    """One track to write. `samples` is mono, or (channels, samples), at SAMPLE_RATE; `start` in seconds."""

    samples: Any
    codec: str = "flac"
    rate: int = SAMPLE_RATE
    start: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)
    disposition: Any = None


def write_tracks(path: Path, *tracks: AudioTrack, video_seconds: int = 0, format: str | None = None) -> Path:  # noqa: A002
    """Write tracks side by side, interleaved by their time stamps, with a video before them where it has seconds."""
    packets: list[Any] = []
    with av.open(str(path), "w", format=format) as container:
        if video_seconds:
            packets += _video(container, video_seconds)
        streams = [_stream(container, track) for track in tracks]
        for track, stream in zip(tracks, streams, strict=True):
            packets += _encoded(track, stream)
        container.start_encoding()
        packets.sort(key=lambda packet: float(packet.dts * packet.time_base))
        for packet in packets:
            container.mux(packet)
    return path


def without_codec(path: Path) -> Path:
    """Rename the ALAC codec in a file, as if a track were in a codec that nothing decodes."""
    data = path.read_bytes()
    for known, unknown in UNKNOWN_CODECS.items():
        data = data.replace(known, unknown)
    path.write_bytes(data)
    return path


def _stream(container: Any, track: AudioTrack) -> Any:
    stream = container.add_stream(track.codec, rate=track.rate)
    stream.layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(np.atleast_2d(track.samples))]
    stream.metadata.update(track.metadata)
    if track.disposition is not None:
        stream.disposition = track.disposition
    return stream


def _encoded(track: AudioTrack, stream: Any) -> list[Any]:
    samples = np.atleast_2d(np.asarray(track.samples, np.float32))
    if not samples.size:
        return []
    layout = stream.layout.name
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = SAMPLE_RATE, round(track.start * SAMPLE_RATE)
    fits = av.AudioResampler(stream.format, layout, track.rate, frame_size=stream.codec_context.frame_size or 1024)
    frames = (*fits.resample(frame), *fits.resample(None))
    return [packet for piece in (*frames, None) for packet in stream.encode(piece)]


def _video(container: Any, seconds: int) -> list[Any]:
    stream = container.add_stream("mpeg4", rate=10)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    picture = np.zeros((32, 32, 3), np.uint8)
    frames = (av.VideoFrame.from_ndarray(picture, format="rgb24") for _ in range(10 * seconds))
    return [packet for frame in (*frames, None) for packet in stream.encode(frame)]


def tones(pcm: PCM) -> float:
    """Return the loudest frequency in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(pcm)))) * SAMPLE_RATE / len(pcm)
