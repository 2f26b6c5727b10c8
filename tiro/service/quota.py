"""Whether an owner may have more."""

from __future__ import annotations

from tiro.ports import Clock, UsageStore
from tiro.quota import Quota, Usage


def check_quota(owner: str, *, usage: UsageStore, clock: Clock, quota: Quota, more: int = 1) -> Usage:
    """Return what an owner uses. Raises QuotaExceeded when `more` jobs are too many.

    It is looked at before a job is made, and counted when one is: calls at the same instant may go over by a few.
    """
    now = clock.now()
    used = usage.get(owner, at=now)
    used.check(quota, at=now, more=more)
    return used
