"""Where a command finds the stack it talks to: in the shell's environment, else in that of a running sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tiro.errors import NotConfigured

SANDBOX_FILE = Path(".sandbox", "env")
"""Lines of KEY=value. It is there while a sandbox runs, and gone when it stops."""


CALLERS = "Set them: whoever runs the stack has both. Or start the sandbox, and run this in its folder."
OPERATORS = (
    'Run `eval "$(tiro configure --stack tiro-prod)"` first, which sets all that is needed; or run this in the folder '
    "of a running sandbox (`make sandbox`)."
)


def find_environ(
    needed: Sequence[str], *, environ: Mapping[str, str], directory: Path, otherwise: str = OPERATORS
) -> Mapping[str, str]:
    """Return the environment that has every variable in `needed`.

    It is the shell's or the sandbox's, never a mixture: a key of the one is not for the eyes of the other.
    Raises NotConfigured saying which variables are not set, and what to do: `otherwise`.
    """
    set_here = [name for name in needed if environ.get(name, "").strip()]
    found = environ if set_here else _sandbox(directory)
    missing = [name for name in needed if not found.get(name, "").strip()]
    if not missing:
        return {**found, **{name: found[name].strip() for name in needed}}
    if set_here:
        raise NotConfigured(f"{_are(set_here)} set, but {_are(missing)} not. {otherwise}")
    raise NotConfigured(f"{_are(needed)} not set. {otherwise}")


def _are(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


def _sandbox(directory: Path) -> Mapping[str, str]:
    """Return what the sandbox of this directory or of one above it wrote; nothing when none runs."""
    for above in (directory, *directory.parents):
        file = above / SANDBOX_FILE
        try:
            # Anybody may put such a file into /tmp and wait for recordings to be sent to an address of theirs.
            if file.stat().st_uid in {os.getuid(), 0}:
                return _parse(file.read_text(encoding="utf-8"))
        except OSError:
            continue
    return {}


def _parse(text: str) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}
