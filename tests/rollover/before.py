"""The version that is updated from: another commit's files, from git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

from sandbox.assembly import ROOT

BASE = "1c2c7cf"
"""Where there is no release yet to update from: what was landed last. Raise it with each landing until then."""


class NoHistory(Exception):
    """The older version cannot be had here. Says why, and what would help."""


def base() -> str:
    """Return the last release's tag, or BASE."""
    found = _git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    return found.stdout.decode().strip() if found.returncode == 0 else BASE


def take(commit: str, folder: Path) -> Path:
    """Write a commit's files into a folder. Raises NoHistory where this clone has not got it."""
    found = _git("archive", "--format=tar", commit)
    if found.returncode:
        raise NoHistory(
            f"there is no commit {commit} here to update from, as in a shallow clone or a copy without .git: "
            "`git fetch --unshallow --tags`, or name another"
        )
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise NoHistory("git is not installed, and the older version comes from it") from None
