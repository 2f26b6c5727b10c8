"""A message in this worker's hands, for as long as its job takes: longer, if need be, than SQS allows.

SQS hides a message for at most 12 hours from its receive, however often it is extended (SQS developer guide,
"Amazon SQS visibility timeout"). An hour before, a new message of the same generation takes its place and the old one
is deleted. Nobody holds the new one: whoever receives it finds the lease, and looks again later; should this worker
die, it is what brings the job to another. If the worker dies between the two calls there are two messages, and the
lease lets one of them work. So the job is never without a message, and never in two hands.
"""

from __future__ import annotations

from datetime import timedelta

from container.log import Log
from tiro.errors import TiroError
from tiro.message import JobMessage
from tiro.ports import Clock, JobQueue, Received

REPLACE_AFTER = timedelta(hours=11)
"""From the receive on. SQS ends it after 12."""


class Holding:
    """What one receive put into our hands. To keep or hide it never fails: it comes back by itself, only later."""

    def __init__(
        self, received: Received, message: JobMessage, *, owner: str, queue: JobQueue, clock: Clock, log: Log
    ) -> None:
        self._received, self._message, self._owner = received, message, owner
        self._queue, self._clock, self._log = queue, clock, log
        self._replace_at = clock.now() + REPLACE_AFTER
        self._replaced = False

    def keep(self, seconds: int) -> None:
        """Hide the message for `seconds` more, or see to it that another stands for the job."""
        if not self._replaced and self._clock.now() >= self._replace_at:
            self._replace()
        if not self._replaced:
            self.hide(seconds)

    def hide(self, seconds: int) -> None:
        """Hide it for `seconds` from now; 0 gives it back."""
        try:
            self._queue.extend(self._received, seconds=seconds)
        except TiroError as error:
            self._log("could not hide a message", job_id=self._message.job_id, error=error)

    def delete(self) -> None:
        """The job is at its end. Raises ServiceUnavailable."""
        self._queue.delete(self._received)

    def _replace(self) -> None:
        try:
            self._queue.send(self._message, owner=self._owner, priority=self._received.priority)
            self._replaced = True
            self._queue.delete(self._received)
        except TiroError as error:  # the next heartbeat tries again; two messages do no harm
            self._log("could not replace a message", job_id=self._message.job_id, error=error)
        else:
            self._log("replaced the message", job_id=self._message.job_id)
