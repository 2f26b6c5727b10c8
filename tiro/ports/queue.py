"""How work is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tiro.handling import Priority
from tiro.message import JobMessage
from tiro.pace import Depth


@dataclass(frozen=True)
class Received:
    """A message in a worker's hands. `handle` names this receive of it."""

    body: str
    handle: str
    receives: int  # how often it was handed out; only ever rises
    priority: Priority = Priority.INTERACTIVE  # what it was sent with


class JobQueue(Protocol):
    """The work: what is interactive comes first. At least once, in no order beyond that."""

    def send(self, message: JobMessage, *, owner: str, priority: Priority = Priority.INTERACTIVE) -> None:
        """Queue it, fairly between owners."""
        ...

    def receive(self, *, wait_seconds: int) -> Received | None: ...

    def depth(self, priority: Priority) -> Depth:
        """Return about how many messages of a priority there are."""
        ...

    def extend(self, received: Received, *, seconds: int) -> None:
        """Hide it for `seconds` from now; 0 gives it back at once.

        A handle that is no longer good is no error, here and in `delete`: whose the job is, the lease says.
        """
        ...

    def delete(self, received: Received) -> None: ...


class Backlog(Protocol):
    """How old what waits on a queue may be."""

    def cleared_until(self, now: datetime) -> datetime | None:
        """Return a time of which it is known that no message sent before it is left; None where nobody can tell.

        Raises ServiceUnavailable.
        """
        ...
