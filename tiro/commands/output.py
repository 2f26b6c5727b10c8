"""What goes to standard output, to a file and to standard error."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel


def say(text: str) -> None:
    """Tell a person. What a server says is not to move the cursor."""
    print("tiro:", printable(text), file=sys.stderr)


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def put(text: str) -> None:
    """Write to standard output, now."""
    write(text.encode(), None)


def put_json(thing: BaseModel | dict[str, Any]) -> None:
    """Write one object on one line."""
    told = thing if isinstance(thing, dict) else thing.model_dump(mode="json")
    put(json.dumps(told, ensure_ascii=False) + "\n")


def put_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write aligned columns, which a person reads and awk too."""
    lines = [list(head), *([printable(cell) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    put("".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines))


def put_fields(fields: dict[str, str | None]) -> None:
    """Write what is known, a line each."""
    known = {name: value for name, value in fields.items() if value}
    width = max(map(len, known))
    put("".join(f"{name.ljust(width)}  {printable(str(value))}\n" for name, value in known.items()))


def date(at: datetime | None) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}" if at else "-"


def clock(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def check_writable(output: Path) -> None:
    """Raises OSError when the output could not be written later on."""
    target = output.resolve()
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(output))
    if target.exists() and not target.is_file():
        return  # /dev/null, a pipe
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory to write to", str(output.parent))
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "nothing can be written there", str(output.parent))


def write(body: bytes, output: Path | None) -> None:
    """Write all of it or nothing: a file that was there before stays until the new one is whole."""
    if output is None:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    target = output.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(body)
        return
    part = target.with_name(f".tiro-{os.getpid()}-{target.name}"[:200] + ".part")
    try:
        part.write_bytes(body)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
