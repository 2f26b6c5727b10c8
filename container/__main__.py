"""`python -m container`: the worker, begun anew in an environment that suits it.

`python -m container MODULE …` begins another one so. It stays the same process: whoever sends signals sends them to it.
"""

from __future__ import annotations

import os
import sys

from container.tuning import tuned


def main(arguments: list[str]) -> None:
    """Never returns."""
    command = [sys.executable, "-m", *(arguments or ["container.main"])]
    os.execve(sys.executable, command, tuned(os.environ))  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
