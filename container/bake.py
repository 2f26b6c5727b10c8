"""Writes a model's weights to a directory, for the image: `python -m container.bake base /opt/tiro/weights`.

A model that `weights.py` pins is written as CTranslate2 reads it, which both engines can. Any other of OpenAI's is its
own checkpoint, for the engine `openai` alone: where it is and what its SHA-256 must be is known by that package.
"""

from __future__ import annotations

import sys
from pathlib import Path

from container.weights import PINS, WeightsUnavailable, load_weights


def bake(model: str, directory: Path) -> None:
    """Raises WeightsUnavailable when there is no such model, or a file is not what it is pinned to be."""
    if model not in PINS:
        _fetch(model, directory / f"{model}.pt")
        return
    weights = load_weights(model)
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in weights.files.items():
        (directory / name).write_bytes(content)
    load_weights(model, directory=directory)  # what was written is what will be read


def _fetch(model: str, file: Path) -> None:
    try:
        import whisper
    except ModuleNotFoundError:
        raise WeightsUnavailable(
            f"There is no model {model!r} for a CPU. Choose one of: {', '.join(PINS)}; or hear by GPUs."
        ) from None
    if model not in whisper._MODELS:
        known = sorted({*PINS, *whisper._MODELS})
        raise WeightsUnavailable(f"There is no model {model!r}. Choose one of: {', '.join(known)}.")
    try:  # shows its own progress bar, and checks the SHA-256
        found = whisper._download(whisper._MODELS[model], str(file.parent), in_memory=False)
    except (OSError, RuntimeError) as error:
        raise WeightsUnavailable(f"OpenAI's {model!r} could not be fetched: {error}") from error
    Path(str(found)).replace(file)  # `turbo` is also known as large-v3-turbo


def main() -> int:
    model, directory = sys.argv[1:]
    try:
        bake(model, Path(directory))
    except WeightsUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
