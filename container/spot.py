"""Hears that the machine is to be taken back, two minutes ahead, and asks the worker to stop.

ECS watches for the same notice and sends SIGTERM to its tasks, which alone suffices. To ask the machine itself (IMDSv2,
Amazon EC2 user guide, "Spot Instance interruption notices") is a few seconds faster and tells Spot from any other stop,
for the metric `ReturnedBySpot`. Whether a task can reach the machine's metadata at all is the machine's affair: the
answer to the token's request may make only so many hops, and one of them is the container's. Where nothing answers, or
the machine is no Spot one, the worker says so once and relies on SIGTERM.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from types import TracebackType
from typing import Protocol, Self

from container.log import Log
from container.stopping import Reason, Stopping
from tiro.errors import Unreachable

EVERY_SECONDS = 5.0
"""As AWS recommends."""

PATIENCE = 3
"""So often in a row nothing may answer before nothing is asked any more."""

ENDPOINT = "http://169.254.169.254"
TOKEN_SECONDS = 21_600  # the longest that IMDSv2 gives
TIMEOUT_SECONDS = 2.0


class Notices(Protocol):
    """Whoever knows what becomes of this machine."""

    def action(self) -> str | None:
        """Return what is about to be done to it (`terminate`, `stop`), or None. Raises Unreachable."""
        ...


class InstanceMetadata:
    """The machine's metadata service, version 2."""

    def __init__(self, endpoint: str = ENDPOINT) -> None:
        self._endpoint, self._token = endpoint, ""
        # No proxy: the address means this machine, and nobody else may answer for it.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def action(self) -> str | None:
        try:
            if not self._token:
                ttl = {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)}
                self._token = self._ask("PUT", "/latest/api/token", ttl)
            token = {"X-aws-ec2-metadata-token": self._token}
            return str(json.loads(self._ask("GET", "/latest/meta-data/spot/instance-action", token))["action"])
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404 and self._token:
                return None  # which is how it says that nothing is to happen
            self._token = ""  # 401: it has run out
            raise Unreachable(f"The instance metadata answered {error.code}.") from None
        except (OSError, ValueError, KeyError) as error:
            raise Unreachable(f"The instance metadata did not answer ({type(error).__name__}).") from None

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(self._endpoint + path, method=method, headers=headers)  # noqa: S310  (ours)
        with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return str(answer.read(10_000).decode())


class SpotWatch:
    """A context that asks every few seconds, by a thread of its own."""

    def __init__(self, notices: Notices, stopping: Stopping, *, log: Log, every: float = EVERY_SECONDS) -> None:
        self._notices, self._stopping, self._log, self._every = notices, stopping, log, every
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._ask_until_left, name="spot", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._left.set()
        self._thread.join()

    def _ask_until_left(self) -> None:
        silent = 0
        while silent < PATIENCE:
            try:
                action, silent = self._notices.action(), 0
            except Unreachable as error:
                action, silent = None, silent + 1
                if silent == PATIENCE:
                    self._log("no spot notices", why=str(error))
            if action:
                self._log("spot notice", action=action)
                return self._stopping.ask(Reason.SPOT)
            if self._left.wait(self._every):
                return None
        return None
