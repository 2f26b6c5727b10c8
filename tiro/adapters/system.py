"""The machine's own clock and dice."""

from __future__ import annotations

import os
from datetime import UTC, datetime


class SystemClock:
    """ports.Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def entropy(self) -> bytes:
        return os.urandom(16)
