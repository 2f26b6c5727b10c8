"""Webhooks by HTTP: what the receiver answered, in Tiro's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tiro.adapters.egress import Egress
from tiro.adapters.retry_after import retry_after
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
            return Reply(answer.status, retry_after(answer.headers.get("Retry-After", ""), self.now()))
