"""Thirty sounds that are no speech, each from a seed: noises, hums, clicks, breaths and musics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.container.sound import silence
from tiro.ports import PCM, SAMPLE_RATE

SECONDS = 8.0

Random = np.random.Generator


def noise(random: Random) -> PCM:
    """Noise of any colour, from violet to brown, that swells and fades."""
    colour = random.uniform(-1, 2)
    spectrum = np.fft.rfft(random.standard_normal(_samples()))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (colour / 2)
    return _loud(np.fft.irfft(spectrum, _samples()) * _swell(random), random)


def hum(random: Random) -> PCM:
    """A mains hum or a motor: harmonics, a little out of tune, over a soft noise."""
    base = random.choice([50.0, 60.0, random.uniform(80, 180)])
    at = _seconds()
    wander = 1 + 0.01 * np.sin(2 * np.pi * random.uniform(0.1, 3) * at)
    tones = sum(np.sin(2 * np.pi * base * n * at * wander) / n ** random.uniform(0.5, 2) for n in range(1, 20))
    return _loud(tones + 0.1 * random.standard_normal(_samples()), random)


def clicks(random: Random) -> PCM:
    """Keys, knocks and crackle: short bursts that ring a little, some in a rhythm."""
    pcm = 0.002 * random.standard_normal(_samples())
    step = random.uniform(0.1, 0.6)
    for at in np.arange(0.2, SECONDS - 0.2, step) + random.uniform(0, step * random.uniform(0, 0.9)):
        ring = np.arange(round(0.08 * SAMPLE_RATE)) / SAMPLE_RATE
        burst = np.exp(-ring * random.uniform(60, 400)) * np.sin(2 * np.pi * random.uniform(300, 4000) * ring)
        start = round(at * SAMPLE_RATE)
        pcm[start : start + len(ring)] += burst[: _samples() - start]
    return _loud(pcm, random)


def breath(random: Random) -> PCM:
    """In and out, through a mouth of some size: noise with two broad resonances."""
    spectrum = np.fft.rfft(random.standard_normal(_samples()))
    hertz = np.fft.rfftfreq(_samples(), 1 / SAMPLE_RATE)
    mouth = sum(np.exp(-(((hertz - f) / (f / 2)) ** 2)) for f in (random.uniform(400, 900), random.uniform(1200, 3000)))
    pace = random.uniform(0.25, 0.7)
    return _loud(np.fft.irfft(spectrum * mouth, _samples()) * np.abs(np.sin(np.pi * pace * _seconds())) ** 2, random)


def music(random: Random) -> PCM:
    """Notes of a scale with harmonics and decay, over a chord and a drum."""
    pcm = np.zeros(_samples())
    key, scale = random.uniform(110, 260), np.array([0, 2, 4, 7, 9, 12, 14])
    beat = random.uniform(0.2, 0.5)
    for number, at in enumerate(np.arange(0, SECONDS, beat)):
        rest = np.arange(_samples() - round(at * SAMPLE_RATE)) / SAMPLE_RATE
        for pitch in random.choice(scale, 3 if number % 4 == 0 else 1, replace=False):
            hertz = key * 2 ** (pitch / 12)
            tone = sum(np.sin(2 * np.pi * hertz * n * rest) / n**1.5 for n in range(1, 6))
            pcm[-len(rest) :] += tone * np.exp(-rest * random.uniform(2, 6)) * np.minimum(1, rest * 100)
        pcm[-len(rest) :] += 0.5 * random.standard_normal(len(rest)) * np.exp(-rest * 40)
    return _loud(pcm, random)


KINDS: tuple[Callable[[Random], PCM], ...] = (noise, hum, clicks, breath, music)


def thirty() -> dict[str, PCM]:
    """Return six of each kind by name, always the same, each with a second of silence before and after it."""
    return {
        f"{kind.__name__}-{seed}": np.concatenate([silence(1), kind(np.random.default_rng([seed, i])), silence(1)])
        for i, kind in enumerate(KINDS)
        for seed in range(6)
    }


def _samples() -> int:
    return round(SECONDS * SAMPLE_RATE)


def _seconds() -> Any:
    return np.arange(_samples()) / SAMPLE_RATE


def _swell(random: Random) -> Any:
    return 0.6 + 0.4 * np.sin(2 * np.pi * random.uniform(0.1, 4) * _seconds() + random.uniform(0, 6))


def _loud(pcm: Any, random: Random) -> PCM:
    """Return sound at a level between a whisper's and a shout's."""
    return (pcm / np.abs(pcm).max() * random.uniform(0.1, 0.9)).astype(np.float32)
