"""What was asked a short while ago."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class AskedStore(Protocol):
    """Which job answers a call that may come again, such as one that a client repeats without saying so."""

    def note(
        self, fingerprint: str, job_id: str, *, now: datetime, until: datetime, instead_of: str | None = None
    ) -> str:
        """Note which job answers it, and return that job's id: the one noted before while it is good, else this one.

        `instead_of` names a noted job that answers it no more.
        """
        ...
