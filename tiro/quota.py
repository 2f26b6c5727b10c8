"""An owner's share: how many jobs at once, how many hours a day. Pure; the counting is done where jobs are stored."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tiro.errors import QuotaExceeded
from tiro.job import Job
from tiro.settings import ApiSettings

DAY_SECONDS = 86_400

HEADERS_ERR_SECONDS = 1.0
"""By which honest headers differ from what is decoded. To correct less would be a write more for every job."""

LOOK_AGAIN_SECONDS = 30
"""What a caller with too many jobs is told to wait; when one will end, nobody knows."""


@dataclass(frozen=True)
class Quota:
    jobs: int  # in flight at once; 0: as many as one likes
    audio_seconds: float  # queued in one day, UTC; 0: as many as one likes

    @classmethod
    def of(cls, settings: ApiSettings) -> Quota:
        return cls(settings.max_jobs_in_flight, settings.max_audio_seconds_per_day)

    def headers(self, used: Usage, *, at: datetime) -> dict[str, str]:
        """Return the quotas and what is left of them, as headers of an answer."""
        named = {"RateLimit-Policy": self.policy, "RateLimit": used.left(self, at=at)}
        return {name: value for name, value in named.items() if value}

    @property
    def policy(self) -> str:
        """The quotas as `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers, section 3)."""
        jobs = [f'"jobs-in-flight";q={self.jobs}'] if self.jobs else []
        audio = [f'"audio-seconds";q={int(self.audio_seconds)};w={DAY_SECONDS}'] if self.audio_seconds else []
        return ", ".join(jobs + audio)


@dataclass(frozen=True)
class Usage:
    """What an owner has used, as far as it was counted."""

    jobs: int = 0  # in flight
    audio_seconds: float = 0.0  # queued today, or heard beyond what was queued
    since: str | None = None  # the month of the first job, as YYYY-MM

    def check(self, quota: Quota, *, at: datetime, more: int = 1) -> None:
        """Raises QuotaExceeded when so many more jobs are not to be made."""
        if quota.jobs and self.jobs + more > quota.jobs:
            raise self._refusal(
                f"{self.jobs:,} of your jobs are in flight, and {quota.jobs:,} may be. Wait until one has come to "
                "its end, or cancel one.",
                quota,
                at,
                LOOK_AGAIN_SECONDS,
            )
        if quota.audio_seconds and self.audio_seconds >= quota.audio_seconds:
            raise self._refusal(
                f"{self.audio_seconds:,.0f} s of audio were queued for you today, and {quota.audio_seconds:,.0f} may "
                "be. The next day begins at 00:00 UTC.",
                quota,
                at,
                seconds_to_midnight(at),
            )

    def plus_one(self) -> Usage:
        return replace(self, jobs=self.jobs + 1)

    def left(self, quota: Quota, *, at: datetime) -> str:
        """What is left as `RateLimit` (draft-ietf-httpapi-ratelimit-headers, section 4)."""
        jobs = [f'"jobs-in-flight";r={max(0, quota.jobs - self.jobs)}'] if quota.jobs else []
        rest = max(0, int(quota.audio_seconds - self.audio_seconds))
        audio = [f'"audio-seconds";r={rest};t={seconds_to_midnight(at)}'] if quota.audio_seconds else []
        return ", ".join(jobs + audio)

    def _refusal(self, detail: str, quota: Quota, at: datetime, wait: int) -> QuotaExceeded:
        return QuotaExceeded(detail, headers=quota.headers(self, at=at), retry_after=wait)


@dataclass(frozen=True)
class Counted:
    """What a change of a job adds to its owner's usage."""

    jobs: int
    audio_seconds: float

    @classmethod
    def of(cls, before: Job | None, after: Job) -> Counted:
        """Count a job while it is not at its end; its audio when it is queued, and at its end what that left out."""
        open_before = before is not None and not before.status.terminal
        return cls(int(not after.status.terminal) - int(open_before), _audio(before, after))


def _audio(before: Job | None, after: Job) -> float:
    told = (after.media.duration if after.media else None) or 0.0
    if after.queued_at and not (before and before.queued_at):
        return told
    if before is None or before.status.terminal or not after.status.terminal:
        return 0.0
    # Headers may say less than there is, or nothing; and what was heard is spent, whichever end the job came to.
    more = (after.transcript.duration if after.transcript else after.heard) - told
    return more if more > (told and HEADERS_ERR_SECONDS) else 0.0


def day_of(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def seconds_to_midnight(at: datetime) -> int:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return math.ceil((midnight - at).total_seconds())
