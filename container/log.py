"""One JSON object a line on stderr: what happened to which job, never what was said in it."""

from __future__ import annotations

import json
import sys
import traceback
from datetime import UTC, datetime
from typing import Protocol


class Log(Protocol):
    def __call__(self, event: str, *, error: BaseException | None = None, **fields: object) -> None: ...


def to_stderr(event: str, *, error: BaseException | None = None, **fields: object) -> None:
    line: dict[str, object] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
    if error is not None:
        line["error"] = type(error).__name__
        line["detail"] = str(error)
        line["stack"] = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(json.dumps(line, default=str) + "\n")
    sys.stderr.flush()
