"""What the sandbox says while it works: a spinner, then one line a step with the time it took.

Where no terminal shows the spinner, such as in a log file, a line says what begins instead.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Step:
    """What is being done; `result` is said when it is."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self.result = ""

    def say(self, doing: str) -> None:
        """Say what is being done now."""
        self._status.update(Text(doing))


class Steps:
    """Prints steps to a console; a quiet one shows no more than the spinner."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console, self._quiet = console, quiet

    @contextlib.contextmanager
    def __call__(self, name: str, doing: str) -> Iterator[Step]:
        """Time a step. Nothing is printed of one that raises."""
        started = time.monotonic()
        if not (self._quiet or self.console.is_terminal):
            self.say(name, doing)
        with self.console.status(Text(doing)) as status:
            step = Step(status)
            yield step
        if not self._quiet:
            self.say(name, step.result, f"{time.monotonic() - started:.1f} s")

    def say(self, name: str, what: str, took: str = "") -> None:
        """Print a line. What comes from elsewhere is text and never markup."""
        line = Text.assemble("  ", (f"{name:<9}", "bold"), f" {what:<52} ", (f"{took:>7}", "dim"))
        line.rstrip()
        self.console.print(line, soft_wrap=True)
