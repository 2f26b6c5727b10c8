"""A variant is the same recording to an ear, and another to a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from container.audio import Recording
from sandbox.up import SAMPLE
from tests.bench.variant import MOST_GAIN, MOST_LEAD, NOISE, vary, write_variant
from tiro.ports import SAMPLE_RATE


def test_it_is_the_same_each_time_and_another_by_number(tmp_path: Path) -> None:
    first, second = (write_variant(SAMPLE, number, tmp_path).read_bytes() for number in (1, 2))
    assert first != second
    assert write_variant(SAMPLE, 1, tmp_path).read_bytes() == first


def test_it_sounds_the_same(tmp_path: Path) -> None:
    with SAMPLE.open("rb") as file, Recording(file, max_seconds=60) as recording:
        pcm = np.concatenate(list(recording.blocks()))
    for number in range(1, 6):
        changed = vary(pcm, str(number))
        lead = len(changed) - len(pcm)
        assert 0 <= lead < MOST_LEAD * SAMPLE_RATE
        gain = float(pcm @ changed[lead:] / (pcm @ pcm))
        assert abs(20 * np.log10(gain)) <= MOST_GAIN + 0.01
        rest = changed[lead:] - gain * pcm
        assert abs(20 * np.log10(np.sqrt(np.mean(rest**2))) - NOISE) < 1


def test_what_is_loud_is_not_clipped() -> None:
    loud = np.sin(np.arange(SAMPLE_RATE) / 7).astype(np.float32)
    assert all(np.abs(vary(loud, str(number))).max() < 1 for number in range(20))


def test_nothing_is_nothing() -> None:
    assert len(vary(np.zeros(0, np.float32), "1")) < MOST_LEAD * SAMPLE_RATE
