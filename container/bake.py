"""Writes a model's weights to a directory, for the image: `python -m container.bake base /opt/tiro/weights`."""

from __future__ import annotations

import sys
from pathlib import Path

from container.weights import WeightsUnavailable, load_weights


def bake(model: str, directory: Path) -> None:
    """Raises WeightsUnavailable when there is no such model, or a file is not what it is pinned to be."""
    weights = load_weights(model)
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in weights.files.items():
        (directory / name).write_bytes(content)
    load_weights(model, directory=directory)  # what was written is what will be read


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
