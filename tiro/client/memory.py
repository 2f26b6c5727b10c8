"""What was begun and is not at its end: so the same call, made again, goes on instead of making a second job.

One file for each, in a directory of the user's: the Idempotency-Key that the job was made with, and the job's id. The
API knows a key for 24 hours, and so does this.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

KEPT_SECONDS = 24 * 60 * 60
"""How long the API answers a repeated key as it did the first time, and takes parts of a large upload."""


def state_directory(environ: Mapping[str, str], home: Path) -> Path:
    """Return where to keep it: `$XDG_STATE_HOME/tiro/unfinished`, or in `~/.local/state` (XDG Base Directory 0.8)."""
    base = environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else home / ".local" / "state") / "tiro" / "unfinished"


def new_key() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Begun:
    """One call that makes a job. Without `file` it is known only while it lasts."""

    key: str  # the Idempotency-Key
    job_id: str | None = None
    file: Path | None = None

    def made(self, job_id: str) -> Begun:
        """Note which job it became."""
        with suppress(OSError):
            self._write(job_id)
        return replace(self, job_id=job_id)

    def anew(self) -> Begun:
        """What was begun came to nothing: the same call is to make another job."""
        other = Begun(new_key(), file=self.file)
        with suppress(OSError):
            other._write(None)
        return other

    def ended(self) -> None:
        """Forget it: made again, the call makes a new job."""
        if self.file:
            self.file.unlink(missing_ok=True)

    def _write(self, job_id: str | None) -> None:
        if self.file is None:
            return
        part = self.file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({"key": self.key, "job_id": job_id}), encoding="utf-8")
        part.replace(self.file)


@dataclass(frozen=True)
class Memory:
    """What this user began at any stack. A directory that cannot be written is no reason not to transcribe."""

    directory: Path
    now: Callable[[], float] = time.time  # seconds since 1970

    def begin(self, *called: object) -> Begun:
        """Return the call that was begun with these words, or a new one that is remembered by them."""
        name = hashlib.sha256(json.dumps([str(word) for word in called]).encode()).hexdigest()[:32]
        file = self.directory / f"{name}.json"
        with suppress(OSError):
            self._forget_old()
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(file.read_text(encoding="utf-8"))
            return Begun(str(kept["key"]), kept["job_id"] and str(kept["job_id"]), file)
        begun = Begun(new_key(), file=file)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            begun._write(None)
        except OSError:
            return Begun(begun.key)
        return begun

    def _forget_old(self) -> None:
        for file in self.directory.glob("*.json"):
            if self.now() - file.stat().st_mtime > KEPT_SECONDS:
                file.unlink(missing_ok=True)
