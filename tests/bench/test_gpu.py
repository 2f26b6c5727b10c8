"""The script for a GPU runs where there is none, and its limits are arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")

from tests.bench import gpu  # noqa: E402
from tests.bench.__main__ import choose  # noqa: E402
from tests.bench.limits import Rates, decoder_weights, encoder_flops, ideal  # noqa: E402
from tests.bench.on_corpus import long_ones, race  # noqa: E402
from tests.container.engines.contract import base  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.model
def test_the_whole_way_without_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    base()
    terms = ["--shape", "tiny", "--windows", "3", "--tokens", "4", "--beams", "1", "3"]
    assert gpu.main(["--device", "cpu", "--compute-type", "float32", *terms]) == 0
    said = capsys.readouterr().out
    for beams in (1, 3):
        assert f"3 windows, 2 at once, 4 tokens each, beam {beams}" in said
    ours = ("mel and encoder", "keys and values of the audio", "prompt and steps")
    for part in (*ours, "faster-whisper: mel, on the CPU", "faster-whisper, batched"):
        assert said.count(f"| {part} |") == 2
    assert said.splitlines()[-1].startswith("gpu: ")


@pytest.mark.model
@pytest.mark.corpus
def test_the_race_on_a_corpus_without_a_card(corpus: Path) -> None:
    base()
    (recording,) = choose(corpus, "speech/lj001-0001.flac")
    heard = race(corpus, "cpu", "float32", beams=2, recordings=[recording])
    assert heard.times_as_fast > 0
    assert heard.words > 10
    assert max(heard.wrong) < 5
    assert (heard.windows, heard.otherwise) == (1, 0)
    assert len(long_ones(corpus)) > 1


def test_limits_grow_with_the_work() -> None:
    turbo, rates = gpu.SHAPES["turbo"], Rates(flops=1e12, bytes=1e11, width=2)
    assert encoder_flops(turbo) == pytest.approx(2.3e12, rel=0.05)  # 0.64e9 weights, 1500 states, two each; attention
    assert decoder_weights(turbo) == pytest.approx(1.58e8, rel=0.01)
    one = ideal(turbo, rates, windows=8, batch=8, tokens=110)
    split = ideal(turbo, rates, windows=8, batch=4, tokens=110)
    beams = ideal(turbo, rates, windows=8, batch=8, tokens=110, beams=5)
    assert split.encoder == one.encoder == beams.encoder
    assert beams.decoder - one.decoder == pytest.approx(4 * 8 * 4 * 2 * 1280 * 110 * 110 / 2 * 2 / 1e11)
    assert split.decoder - one.decoder == pytest.approx(110 * decoder_weights(turbo) * 2 / 1e11)
