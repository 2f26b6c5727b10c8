"""The queue in memory, on a clock that tests turn: what is received is hidden, and comes back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes import FakeClock
from tiro.handling import Priority
from tiro.message import JobMessage
from tiro.pace import Depth
from tiro.ports import Received

LONGEST_HIDDEN = timedelta(hours=12)
"""From its receive on, however often it is extended (SQS developer guide, "Amazon SQS visibility timeout")."""


@dataclass
class _Queued:
    body: str
    owner: str
    visible_at: datetime
    sent_at: datetime
    priority: Priority
    receives: int = 0
    received_at: datetime | None = None  # the latest time


class FakeJobQueue:
    """A queue on the fake clock: what was received is hidden for `visibility` seconds, unless extended."""

    def __init__(self, clock: FakeClock, *, visibility: float = 120.0) -> None:
        self._clock = clock
        self._visibility = visibility
        self._messages: dict[int, _Queued] = {}
        self._sent = 0

    def __len__(self) -> int:
        """Return how many messages there are, hidden ones included."""
        return len(self._messages)

    def send(self, message: JobMessage, *, owner: str, priority: Priority = Priority.INTERACTIVE) -> None:
        self.send_raw(message.model_dump_json(), owner=owner, priority=priority)

    def send_raw(self, body: str, *, owner: str = "anybody", priority: Priority = Priority.INTERACTIVE) -> None:
        """Put anything on the queue, as only somebody from outside would."""
        self._sent += 1
        self._messages[self._sent] = _Queued(body, owner, self._clock.now(), self._clock.now(), priority)

    def receive(self, *, wait_seconds: int) -> Received | None:
        now = self._clock.now()
        # Stable, and False comes first: what is interactive, in the order in which it was sent.
        for number, message in sorted(self._messages.items(), key=lambda sent: sent[1].priority is Priority.BATCH):
            if message.visible_at <= now:
                message.receives += 1
                message.received_at = now
                message.visible_at = now + timedelta(seconds=self._visibility)
                return Received(message.body, f"{number}:{message.receives}", message.receives, message.priority)
        return None

    def depth(self, priority: Priority) -> Depth:
        now = self._clock.now()
        visible = [message.visible_at <= now for message in self._messages.values() if message.priority is priority]
        return Depth(sum(visible), len(visible) - sum(visible))

    def extend(self, received: Received, *, seconds: int) -> None:
        message, now = self._in_hand(received), self._clock.now()
        if message and message.received_at and message.visible_at > now:
            message.visible_at = min(now + timedelta(seconds=seconds), message.received_at + LONGEST_HIDDEN)

    def delete(self, received: Received) -> None:
        if self._in_hand(received):
            del self._messages[int(received.handle.partition(":")[0])]

    def cleared_until(self, now: datetime) -> datetime | None:
        """Tell, as ports.Backlog, of this very queue."""
        return min((message.sent_at for message in self._messages.values()), default=now)

    def lose(self, number: int = 0) -> None:
        """Forget a message, as no queue should."""
        if self._messages:
            del self._messages[sorted(self._messages)[number % len(self._messages)]]

    def _in_hand(self, received: Received) -> _Queued | None:
        number, _, receives = received.handle.partition(":")
        message = self._messages.get(int(number))
        return message if message and message.receives == int(receives) else None
