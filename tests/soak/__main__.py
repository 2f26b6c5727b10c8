"""`python -m tests.soak`: run it, print what came of it; exit status 0 when nothing grew, stayed, or was lost."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sandbox.assembly import ROOT
from sandbox.emulator import free_port
from sandbox.machine import Options
from sandbox.state import State
from sandbox.up import SAMPLE
from tests.faults.campaign import receiver
from tests.faults.field import open_field
from tests.faults.hearing import Heard
from tests.faults.lane import Lane
from tests.faults.ledger import Told
from tests.soak.hour import Hour, Terms, wait_ready
from tests.soak.mix import arrivals
from tests.soak.report import ROWS, Report, print_report, write_report


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    for name in [name for name in os.environ if name.startswith(("AWS_", "TIRO_"))]:
        del os.environ[name]
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="tiro-soak-"))
    report, hour = soak(Terms(60 * asked.minutes, asked.every), folder, asked.corpus, seed=asked.seed)
    print_report(report, Console())
    if asked.write:
        write_report(report, hour, asked.write)
    if asked.folder is None and report.good:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.last_line())
    return 0 if report.good else 1


def soak(terms: Terms, folder: Path, corpus: Path, *, seed: int) -> tuple[Report, Hour]:
    """Run it, in a folder of its own, on ports of its own."""
    options = Options(State(folder / "state"), free_port(), ROOT / ".venv-emulator/bin/ministack")
    told = Told()
    with ExitStack() as stack:
        columns = (TextColumn("{task.fields[jobs]} jobs"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        bar = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
        shown = bar.add_task("", total=terms.seconds, jobs=0)
        ground = stack.enter_context(open_field(options))
        ground.hear_of_ends(stack.enter_context(receiver(told)))
        lanes = [Lane(f"worker{n}", folder / f"worker{n}", ground.env, options.port, Heard()) for n in (1, 2)]
        for lane in lanes:
            stack.callback(lane.stop)
        wait_ready(lanes)
        hour = Hour(
            ground=ground,
            lanes=lanes,
            mix=arrivals(corpus, SAMPLE, seed),
            told=told,
            terms=terms,
            say=lambda seconds, jobs: bar.update(shown, completed=seconds, jobs=jobs),
        )
        hour.run()
        left = list(_left(hour, [key for key in ground.stored() if key.startswith("checkpoints/")]))
        return Report.of(hour, left), hour


def _left(hour: Hour, checkpoints: Sequence[str]) -> Iterator[str]:
    """Yield what resting workers hold beyond what they held when they began."""
    yield from (f"checkpoint {key}" for key in checkpoints)
    for lane in hour.lanes:
        held = [each for each in hour.held if each.worker == lane.name]
        before, after = held[0], held[-1]
        # Connections to AWS are kept for the next call; in the first twelfth there were as many as there will be.
        files = max(each.files for each in held if each.at <= hour.terms.seconds / ROWS)
        for what, more in (
            ("processes", after.processes - before.processes),
            ("open files", after.files - files),
            ("temporary files", after.temporary - before.temporary),
        ):
            if more > 0:
                yield f"{more} {what} of {lane.name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between two jobs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=Path(), help="of real speech; else the sandbox's sample")
    parser.add_argument("--folder", type=Path, help="where logs and state stay; else thrown away when all is well")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the result there: soak.json, soak.svg")
    return parser


if __name__ == "__main__":
    sys.exit(main())
