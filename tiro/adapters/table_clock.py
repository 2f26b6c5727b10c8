"""The table's clock, as well as a worker can know it, so that a wrong clock of its own breaks no lease.

A lease is a time that one machine writes and another compares with its own. If their clocks differ by more than a
lease has left, the one that is ahead takes over a job that is being worked on: the fence keeps the effects single, but
the work is lost, an attempt is counted, and two such machines could take a job from each other until its attempts are
spent. Machines that are behind leave a dead worker's job lying about. SigV4 does not help: it lets a clock be wrong by
minutes, and a lease is two.

So every worker tells time by one clock, the table's: each answer of DynamoDB carries its `Date` (RFC 9110, section
6.6.1), to the second, and a claim, which reads the job first, has always just heard one. Between two answers time goes
on by the machine's monotonic clock, which no one sets. What remains is a second of rounding and the way of one answer:
far less than the difference between a heartbeat (20 s) and a lease (120 s). Until the first answer came, or where
answers carry no date, it is the machine's own time.

A clock that is set while a worker runs, a suspended machine, a container that was stopped and goes on: all are over
with the next answer. And whatever is judged wrongly all the same, the fence stands: every write names its attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tiro.adapters.system import SystemClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ROUNDED = timedelta(seconds=0.5)
"""What a date to the second leaves out, on average."""

_Anchor = tuple[datetime, float]  # a time, and what the monotonic clock said then


class TableClock(SystemClock):
    """ports.Clock. Any thread may ask it."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._anchor: _Anchor | None = None

    def follow(self, client: DynamoDBClient) -> DynamoDBClient:
        """Take the time from every answer of a client; return it."""
        client.meta.events.register("after-call.dynamodb", self._heard)
        return client

    def now(self) -> datetime:
        anchor = self._anchor
        if anchor is None:
            return super().now()
        at, then = anchor
        return at + timedelta(seconds=self._monotonic() - then)

    def hear(self, date: str) -> None:
        """Take a `Date` header for the time it is. One that cannot be read is passed over."""
        try:
            at = parsedate_to_datetime(date)
        except ValueError:
            return
        self._anchor = self._steady(at.astimezone(UTC) + ROUNDED)

    def _steady(self, heard: datetime) -> _Anchor:
        """Return where time goes on from: not at what was heard, if that is only its rounding."""
        if self._anchor and abs(heard - (now := self.now())) <= 2 * ROUNDED:
            return now, self._monotonic()
        return heard, self._monotonic()

    def _heard(self, parsed: dict[str, Any], **_: object) -> None:
        if date := parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date"):
            self.hear(date)
