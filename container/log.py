"""One JSON object a line on stderr: what happened to which job, never what was said in it, nor what its file is called.

An error of ours says what is wrong in words that were chosen for others to read. What another's says may quote
anything, a key or a piece of text, so of that only the kind and the place are told.
"""

from __future__ import annotations

import json
import sys
import traceback
from datetime import UTC, datetime
from typing import Protocol

from tiro.errors import TiroError
from tiro.job import Job, Run
from tiro.trace import owner_hash


class Log(Protocol):
    def __call__(self, event: str, *, error: BaseException | None = None, **fields: object) -> None: ...


def to_stderr(event: str, *, error: BaseException | None = None, **fields: object) -> None:
    line: dict[str, object] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
    if error is not None:
        line["error"] = type(error).__name__
        if isinstance(error, TiroError):
            line |= {"code": error.code, "detail": str(error)}
        line["stack"] = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(json.dumps(line | fields, default=str) + "\n")
    sys.stderr.flush()


def about(job: Job, run: Run, log: Log) -> Log:
    """Return a log that says of each line which job, attempt and owner it is about."""
    known = {
        "job_id": job.id,
        "attempt": run.attempt,
        "attempts": job.attempts,
        "owner": owner_hash(job.owner),
        "trace_id": job.trace_id,
    }

    def told(event: str, *, error: BaseException | None = None, **fields: object) -> None:
        log(event, error=error, **(known | fields))

    return told
