"""How long something took, where its begin and its end may have been told by the clocks of two machines.

The functions tell time by their own clocks, a worker by the table's, to the second (tiro/adapters/table_clock.py), and
a clock may be set at any time. So an end can seem to lie before its begin. No duration that Tiro shows or measures is
negative: it is then zero, and `skew` says by how much the clocks differ at least. Whatever shows or measures the time
between two stored times uses these functions.
"""

from __future__ import annotations

from datetime import datetime, timedelta

TOLERATED = timedelta(seconds=2)
"""A skew up to this needs no warning: the table's clock is told to the second, and takes half of one on average."""


def elapsed(begin: datetime, end: datetime) -> timedelta:
    """Return the time from `begin` to `end`; zero where `end` seems to lie before it."""
    return max(timedelta(), end - begin)


def elapsed_ms(begin: datetime | None, end: datetime | None) -> int | None:
    """Return the same in milliseconds; None where one of the two is not known."""
    return round(elapsed(begin, end).total_seconds() * 1000) if begin and end else None


def skew(begin: datetime, end: datetime) -> timedelta:
    """Return by how much `end` seems to lie before `begin`: so much, at least, their clocks differ; else zero."""
    return max(timedelta(), begin - end)
