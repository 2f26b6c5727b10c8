"""`Retry-After`, as a server may send it (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 10**8


def retry_after(header: str, now: datetime) -> timedelta | None:
    """Return the time that a header of seconds or of a date asks for, never less than zero; None for anything else."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST_SECONDS))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # of a zone beyond all days
        return None
    return max(timedelta(), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now)
