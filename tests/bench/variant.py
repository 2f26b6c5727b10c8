"""The same recording, changed as no ear could tell. What a beam search makes of it differs by a few words all the same.

So one count of wrong words is one draw of a lottery, and the mean over such hearings says which peer hears better.
"""

from __future__ import annotations

import wave
from hashlib import sha256
from pathlib import Path

import numpy as np

from container.audio import Recording
from tiro.ports import PCM, SAMPLE_RATE

MOST_GAIN = 1.0
"""Decibels, up or down."""

MOST_LEAD = 0.1
"""Seconds of silence put before it: Whisper's frames fall on other samples."""

NOISE = -78.0
"""Decibels under full scale, root mean square: one step of 16 bits is -90."""

PEAK = 0.85
"""No gain takes a sample beyond full scale."""

MOST_SECONDS = 1e5
"""Of a recording."""


def write_variant(path: Path, number: int, folder: Path) -> Path:
    """Write the variant of that number, the same each time, as 16-bit mono WAV; return its path. Raises MediaError."""
    with path.open("rb") as file, Recording(file, max_seconds=MOST_SECONDS) as recording:
        pcm = np.concatenate(list(recording.blocks()))
    samples = np.round(vary(pcm, f"{path.name} {number}") * (2**15 - 1)).astype("<i2")
    variant = folder / "variant.wav"
    with wave.open(str(variant), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())
    return variant


def vary(pcm: PCM, seed: str) -> PCM:
    """Return samples, shape (n,), with a gain, a little noise and a little silence before them, by lot."""
    lots = np.random.default_rng(int.from_bytes(sha256(seed.encode()).digest()[:8]))
    peak = float(np.abs(pcm).max(initial=0.0))
    gain = 10 ** (lots.uniform(-MOST_GAIN, MOST_GAIN) / 20) * min(1.0, PEAK / peak if peak else 1.0)
    lead = np.zeros(int(lots.integers(0, int(MOST_LEAD * SAMPLE_RATE))), np.float32)
    changed = np.concatenate([lead, pcm * np.float32(gain)])
    noise = lots.normal(0.0, 10 ** (NOISE / 20), len(changed))
    return np.clip(changed + noise, -1.0, 1.0).astype(np.float32)
