"""What was asked a short while ago, in memory."""

from __future__ import annotations

from datetime import datetime


class FakeAskedStore:
    def __init__(self) -> None:
        self._noted: dict[str, tuple[str, datetime]] = {}

    def note(
        self, fingerprint: str, job_id: str, *, now: datetime, until: datetime, instead_of: str | None = None
    ) -> str:
        noted, good_until = self._noted.get(fingerprint, (None, now))
        if noted is None or good_until <= now or noted == instead_of:
            self._noted[fingerprint] = job_id, until
            return job_id
        return noted
