"""There and back: the peer's copy of a model has its weights to the bit, and says what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")

from container.engines.convert import from_ctranslate2  # noqa: E402
from container.weights import Weights, WeightsUnavailable  # noqa: E402
from tests.bench.ctranslate2_copy import write  # noqa: E402
from tests.container.engines.contract import base  # noqa: E402
from tests.container.engines.tiny import HEADS, tiny  # noqa: E402


def files(directory: Path) -> Weights:
    return Weights("tiny", {path.name: path.read_bytes() for path in directory.iterdir()})


@pytest.mark.model
def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    base()
    model = tiny()
    checkpoint = from_ctranslate2(files(write(model, HEADS, tmp_path / "tiny")))
    assert checkpoint.dims == model.dims.__dict__
    assert checkpoint.alignment_heads == HEADS
    state = model.state_dict()
    assert checkpoint.state.keys() == state.keys()
    assert all(np.array_equal(array, state[name].numpy()) for name, array in checkpoint.state.items())


@pytest.mark.model
def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    base()
    found = dict(files(write(tiny(), HEADS, tmp_path / "tiny")).files)
    whole = found["model.bin"]
    found["model.bin"] = b"\x05" + whole[1:]
    with pytest.raises(WeightsUnavailable, match="format 5; only 6"):
        from_ctranslate2(Weights("tiny", found))
    found["model.bin"] = whole.replace(b"WhisperSpec", b"WhisperSpic", 1)
    with pytest.raises(WeightsUnavailable, match="WhisperSpic, not a Whisper model"):
        from_ctranslate2(Weights("tiny", found))
