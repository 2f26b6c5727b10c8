"""Webhooks by HTTP: what the receiver answered, in Tiro's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from tiro.adapters.egress import Egress
from tiro.address import Address
from tiro.errors import AddressRefused
from tiro.ports import Reply


@dataclass(frozen=True)
class EgressNotifier:
    """ports.Notifier. `schemes` are those that may be spoken."""

    egress: Egress
    schemes: tuple[str, ...]
    now: Callable[[], datetime]

    def tell(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if Address.parse(url).scheme not in self.schemes:
            raise AddressRefused(f"A webhook is sent over {' or '.join(self.schemes)} alone.")
        sent = {"Content-Type": "application/json", **headers}
        with self.egress.post(url, sent, body) as answer:  # what it says beside its status is nobody's business
            return Reply(answer.status, self._retry_after(answer.headers.get("Retry-After", "")))

    def _retry_after(self, header: str) -> timedelta | None:
        """Read seconds or a date (RFC 9110, section 10.2.3); anything else is nothing."""
        text = header.strip()
        if text.isascii() and text.isdigit():
            return timedelta(seconds=min(int(text[:9]), 10**8))
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):  # of a zone beyond all days
            return None
        return max(timedelta(), (at if at.tzinfo else at.replace(tzinfo=UTC)) - self.now())
