"""How work is handed out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tiro.message import JobMessage


@dataclass(frozen=True)
class Received:
    """A message in a worker's hands. `handle` names this receive of it."""

    body: str
    handle: str
    receives: int  # how often it was handed out; only ever rises


class JobQueue(Protocol):
    """The work. At least once, in no order."""

    def send(self, message: JobMessage, *, owner: str) -> None:
        """Queue it, fairly between owners."""
        ...

    def receive(self, *, wait_seconds: int) -> Received | None: ...

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
