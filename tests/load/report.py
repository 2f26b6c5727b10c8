"""What a load came to, and whether it went well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sandbox.state import State
from tests.faults.ledger import Judged

MOST_SCRATCH = 500.0
"""MB that the emulator's temporary files may have (issue 15, point 18)."""


@dataclass(frozen=True)
class Report(Judged):
    callers: int
    clips: int
    statuses: Mapping[str, int]  # of every answer
    server_errors: int  # 5xx answers, and calls without an answer
    unexpected: Sequence[str]  # calls with another answer than the wanted one
    wrong: Sequence[str]  # jobs whose transcript is of something else
    forged: int  # webhook calls whose signature did not verify
    scratch: float  # MB, the most
    processes: int  # of Lambda functions, the most
    slowest: float  # seconds, of any call
    slowest_after_refusal: float  # seconds, of calls right after a 401
    took: float  # seconds
    killed: int  # workers that were killed

    @property
    def completed(self) -> int:
        return sum(verdict.status == "completed" for verdict in self.verdicts)

    @property
    def good(self) -> bool:
        clean = self.killed and not (self.server_errors or self.unexpected or self.wrong or self.forged)
        return bool(super().good and clean) and self.completed == self.clips and self.scratch < MOST_SCRATCH

    def last_line(self) -> str:
        return (
            f"load: {self.callers} callers, {self.clips} clips, {self.lost + self.clips - len(self.verdicts)} lost, "
            f"{self.doubled} doubled, {self.server_errors} 5xx, {self.scratch:.0f} MB scratch"
        )


def print_report(report: Report, console: Console) -> None:
    for verdict in report.verdicts:
        if verdict.lost or verdict.doubled:
            console.print(f"{verdict.job}: {verdict.lost} {verdict.doubled}", style="red")
    for what in [*report.unexpected[:20], *(f"{job}: another text" for job in report.wrong)]:
        console.print(what, style="red", markup=False)
    answers = ", ".join(f"{count} {status}" for status, count in sorted(report.statuses.items()))
    console.print(f"answers: {answers}; {report.completed} jobs completed; {report.forged} false signatures")
    console.print(
        f"{report.took:.0f} s; the slowest call took {report.slowest:.1f} s, after a 401 "
        f"{report.slowest_after_refusal:.1f} s; {report.processes} function processes at most; "
        f"{report.killed} workers killed"
    )


def folder_size(folder: Path) -> float:
    """Return the MB of all files under a folder; files that go away meanwhile count nothing."""
    size = 0
    for file in folder.rglob("*"):
        try:
            size += file.lstat().st_size
        except OSError:
            continue
    return size / 1e6


def function_processes(state: State) -> dict[int, str]:
    """Return the running processes of Lambda functions by their ids, each with its command line."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"{state.emulator}/" in said and "_worker.py" in said:
            found[int(process.name)] = said
    return found
