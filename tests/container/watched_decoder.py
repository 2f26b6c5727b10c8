"""A decoder that ends with status 7 when it imports or opens something after it is confined.

`python -m tests.container.watched_decoder FD`. It is the real one, with an audit hook.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from container import decoder
from container.audio import Recording

FORBIDDEN = ("import", "open", "ctypes.dlopen", "socket.__new__", "subprocess.Popen")


def _audit(event: str, _: tuple[Any, ...]) -> None:
    if event in FORBIDDEN:
        os._exit(7)


def open_recording(*args: Any, **options: Any) -> Recording:
    """Open a recording, and forbid the rest."""
    sys.addaudithook(_audit)
    return Recording(*args, **options)


if __name__ == "__main__":
    sys.exit(decoder.main(int(sys.argv[1]), open_recording))
