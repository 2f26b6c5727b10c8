"""`python -m tests.faults`: run the campaign, print what came of it; exit status 0 when nothing was lost or doubled."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox.assembly import ROOT
from sandbox.emulator import free_port
from sandbox.machine import Options
from sandbox.state import State
from sandbox.up import SAMPLE
from tests.faults.campaign import Day, Size, receiver
from tests.faults.field import open_field, speech
from tests.faults.hearing import Heard
from tests.faults.lane import Lane
from tests.faults.ledger import Told
from tests.faults.plan import make_plan, rare
from tests.faults.report import Report, print_report, write_report


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    for name in [name for name in os.environ if name.startswith(("AWS_", "TIRO_"))]:
        del os.environ[name]
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="tiro-faults-"))
    size = Size(asked.faults, asked.jobs, asked.seed, asked.long, limit_seconds=60 * asked.minutes)
    report = campaign(size, folder, asked.corpus, workers=asked.workers, console=Console(stderr=True))
    print_report(report, Console())
    if asked.write:
        write_report(report, asked.write)
    if asked.folder is None and report.good:
        shutil.rmtree(folder, ignore_errors=True)
    print(report.last_line())
    return 0 if report.good else 1


def campaign(size: Size, folder: Path, corpus: Path, *, workers: int, console: Console) -> Report:
    """Run it, in a folder of its own, on ports of its own."""
    options = Options(State(folder / "state"), free_port(), ROOT / ".venv-emulator/bin/ministack")
    plan = list(make_plan(size.seed, size.faults + size.faults // 2))
    special = rare(size.seed, restarts=max(1, size.faults // 70), losses=max(1, size.faults // 40))
    for number, fault in enumerate(special):  # spread over the day
        plan.insert((number + 1) * len(plan) // (len(special) + 1), fault)
    told, heard = Told(), Heard()
    with ExitStack() as stack:
        bar = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[jobs]} jobs"),
            TimeElapsedColumn(),
            console=console,
        )
        shown = stack.enter_context(bar).add_task("starting", total=size.faults, jobs=0)
        ground = stack.enter_context(open_field(options))
        ground.hear_of_ends(stack.enter_context(receiver(told)))
        lanes = [Lane(f"worker{n}", folder / f"worker{n}", ground.env, options.port, heard) for n in range(workers)]
        for lane in lanes:
            stack.callback(lane.stop)
        day = Day(
            ground=ground,
            lanes=lanes,
            speech=speech(corpus, SAMPLE),
            plan=plan,
            size=size,
            told=told,
            say=lambda done, jobs, what: bar.update(shown, completed=done, jobs=jobs, description=what),
        )
        day.run()
        return Report.of(day, lanes, heard, size)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=220)
    parser.add_argument("--jobs", type=int, default=110)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--long", type=float, default=0.12, help="the share of jobs that are minutes long, not seconds")
    parser.add_argument("--minutes", type=float, default=45.0, help="after which the day is over, full or not")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--corpus", type=Path, default=Path(), help="of real speech; else the sandbox's sample")
    parser.add_argument("--folder", type=Path, help="where logs and state stay; else thrown away when all is well")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the result there: faults.json, faults.svg")
    return parser


if __name__ == "__main__":
    sys.exit(main())
