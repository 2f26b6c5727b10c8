"""Whether the worker beside this process is well: `python -m container.health`, as the image's HEALTHCHECK asks.

The file's age is that of the work that has moved least lately (container/watchdog.py). It must not be older than the
watchdog would let it become; one that is, belongs to a process in which nothing moves any more, not even that.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tiro.settings import SettingsError, WorkerSettings


def trouble(settings: WorkerSettings, *, now: float) -> str | None:
    """Return what is wrong, or None. `now` is in seconds since 1970, as a file's times are."""
    if not settings.heartbeat_file:
        return "TIRO_HEARTBEAT_FILE names no file"
    try:
        age = now - Path(settings.heartbeat_file).stat().st_mtime
    except OSError:
        return "the worker is not ready yet"
    return f"nothing has moved for {age:.0f} s" if age > settings.stall_seconds else None


def main() -> int:
    """Return 0 for a worker that is well, 1 for one that is not."""
    try:
        wrong = trouble(WorkerSettings.from_env(os.environ), now=time.time())
    except SettingsError as error:
        wrong = str(error)
    sys.stdout.write(f"{wrong or 'well'}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
