"""The weights as the image's build writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from container.bake import bake
from container.weights import PINS, WeightsUnavailable, load_weights


@pytest.mark.model
def test_what_is_baked_is_what_a_worker_loads(tmp_path: Path) -> None:
    bake("base", tmp_path / "weights")
    assert {file.name for file in (tmp_path / "weights").iterdir()} == set(PINS["base"].sha256)
    assert load_weights("base", directory=tmp_path / "weights").files == load_weights("base").files


def test_no_model_by_that_name_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"no model 'huge'.*base"):
        bake("huge", tmp_path / "weights")
    assert not (tmp_path / "weights").exists()
