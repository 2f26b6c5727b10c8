"""The setting chooses the engine; what it cannot have, it says before any job is taken."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.bake import bake
from container.engines.choice import load_engine
from container.weights import WeightsUnavailable
from tests.container.engines.contract import base
from tests.house import WORKER_NAMES
from tiro.settings import SettingsError, WorkerSettings


def settings(**values: Any) -> WorkerSettings:
    return WorkerSettings(**WORKER_NAMES, **values)


@pytest.mark.model
def test_without_a_word_it_is_the_one_without_pytorch() -> None:
    base()
    before = set(sys.modules)
    info = load_engine(settings()).info
    assert (info.name, info.model, info.compute_type) == ("faster-whisper", "base", "int8")
    assert "torch" not in set(sys.modules) - before


@pytest.mark.model
def test_openai_takes_the_same_weights() -> None:
    pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")
    base()
    ours, theirs = load_engine(settings(engine="openai")).info, load_engine(settings()).info
    assert ours.name == "openai"
    assert ours.model_sha256 == theirs.model_sha256


def test_there_is_no_third() -> None:
    with pytest.raises(SettingsError, match=r"'kaldi'.*faster-whisper or openai"):
        load_engine(settings(engine="kaldi"))


def test_where_pytorch_is_not_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.engines.choice.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"torch and whisper cannot be imported.*extra `openai`"):
        load_engine(settings(engine="openai"))


@pytest.mark.parametrize(
    ("model", "contents", "why"),
    [
        ("tiny", b"not a model", "SHA-256 is .*, not 65147644"),
        ("tiny", None, "cannot be read"),
        ("none", b"", "'none'"),
    ],
)
def test_a_file_of_openai_s_must_be_the_one_that_it_published(
    tmp_path: Path, model: str, contents: bytes | None, why: str
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")
    path = tmp_path / "model.pt"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(WeightsUnavailable, match=why):
        load_engine(settings(engine="openai", model=model, model_path=str(path)))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the package leaves its file open
def test_any_of_openai_s_models_is_baked_and_heard_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not here: make test-openai")
    import whisper

    from tests.container.engines.tiny import DIMS, HEADS, tiny

    held = io.BytesIO()
    torch.save({"dims": asdict(DIMS), "model_state_dict": tiny().state_dict()}, held)
    sha256 = hashlib.sha256(held.getvalue()).hexdigest()
    published = tmp_path / sha256 / "large-v3-turbo.pt"
    published.parent.mkdir()
    published.write_bytes(held.getvalue())
    heads = np.zeros((DIMS.n_text_layer, DIMS.n_text_head), bool)
    heads[tuple(zip(*HEADS, strict=True))] = True
    monkeypatch.setitem(whisper._MODELS, "turbo", published.as_uri())
    monkeypatch.setitem(whisper._ALIGNMENT_HEADS, "turbo", base64.b85encode(gzip.compress(heads.tobytes())))

    bake("turbo", tmp_path / "weights")
    info = load_engine(settings(engine="openai", model="turbo", model_path=str(tmp_path / "weights"))).info
    assert (info.model, info.model_sha256) == ("turbo", sha256)

    published.write_bytes(b"something else")
    with pytest.raises(WeightsUnavailable, match="'turbo' could not be fetched"):
        bake("turbo", tmp_path / "again")
