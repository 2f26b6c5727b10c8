"""`python -m tests.rollover`: update from an older version, roll back, go forward. Exit status 0: nothing was lost."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from sandbox.assembly import ROOT
from tests.rollover.before import NoHistory, base
from tests.rollover.story import tell


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rollover", description=__doc__)
    parser.add_argument(
        "--base", metavar="COMMIT", help="the older version (default: the last release, else as in before.py)"
    )
    asked = parser.parse_args(arguments)
    for name in [name for name in os.environ if name.startswith(("AWS_", "TIRO_"))]:
        del os.environ[name]
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:5.1f} s  {what}", file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="tiro-rollover-") as folder:
        try:
            story = tell(asked.base or base(), Path(folder), ROOT / ".venv-emulator/bin/ministack", say)
        except NoHistory as why:
            print(f"rollover: not run: {why}.")
            return 2
    for job, wrong in story.wrong.items():
        say(f"{job}: {wrong}")
    say("done")
    print(story.last_line())
    return 1 if story.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
