"""Time and chance."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time and chance, so that tests may choose both."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...

    def entropy(self) -> bytes:
        """Return 16 random bytes."""
        ...
