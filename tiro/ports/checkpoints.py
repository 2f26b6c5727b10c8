"""Where checkpoints lie until their job is at its end."""

from __future__ import annotations

from typing import Protocol

from tiro.checkpoint import Stretch


class CheckpointStore(Protocol):
    """The parts of checkpoints. Each is written once, and read as a whole."""

    def put(self, key: str, stretch: Stretch) -> None: ...

    def get(self, key: str) -> Stretch | None:
        """Return a part, or None when it is gone or not to be read: it is only ever a shorter way."""
        ...

    def erase(self, prefix: str) -> None:
        """Remove everything whose key begins so; it is no error when there is nothing."""
        ...
