"""Many recordings on their way: a live table on a terminal, a line for each end in a log, or nothing."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from tiro.job import JobStatus, JobView
from tiro.progress import size_text, stage_of, time_text

if TYPE_CHECKING:
    from rich.progress import TaskID

NAME_CHARS = 40
"""Of a recording's name in the table: its end, which tells it from its neighbours."""


class Board(Protocol):
    """Use it in a `with`. Recordings are named as they were asked for."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def begun(self, name: str) -> None: ...

    def sent(self, name: str, done: int, total: int) -> None:
        """So many bytes of so many are uploaded."""
        ...

    def seen(self, name: str, job: JobView) -> None: ...

    def ended(self, name: str, said: str, *, well: bool) -> None: ...


def board(total: int, *, quiet: bool) -> Board:
    if quiet:
        return Silence()
    return Table(total) if sys.stderr.isatty() else Log(total)


class Silence:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begun(self, name: str) -> None:
        pass

    def sent(self, name: str, done: int, total: int) -> None:
        pass

    def seen(self, name: str, job: JobView) -> None:
        pass

    def ended(self, name: str, said: str, *, well: bool) -> None:
        if not well:
            print(f"tiro: {name}: {said}", file=sys.stderr)


class Log(Silence):
    """A line when a job is made, and one at its end, with how many are left."""

    def __init__(self, total: int) -> None:
        self._total, self._ended, self._known = total, 0, set[str]()

    def seen(self, name: str, job: JobView) -> None:
        if name not in self._known:
            self._known.add(name)
            print(f"tiro: {name}: job {job.id}", file=sys.stderr)

    def ended(self, name: str, said: str, *, well: bool) -> None:
        self._ended += 1
        print(f"tiro: {name}: {'' if well else 'failed: '}{said} ({self._ended} of {self._total})", file=sys.stderr)


class Table:
    """What is at its end scrolls away above; below stand those on their way, each with its bar, and the whole."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True, highlight=False)
        self._rich = Progress(
            TextColumn("{task.description}", markup=False),
            TextColumn("[cyan]{task.fields[stage]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            speed_estimate_period=120,
        )
        self._rows: dict[str, tuple[str, TaskID]] = {}  # a recording's stage, and its row
        self._total, self._well, self._ill = total, 0, 0
        self._whole = self._rich.add_task("all", total=total, stage="", amount="")

    def __enter__(self) -> Self:
        self._rich.start()
        self._tell_whole()
        return self

    def __exit__(self, *_: object) -> None:
        self._rich.stop()

    def begun(self, name: str) -> None:
        self._show(name, "waiting", 0, None, "")

    def sent(self, name: str, done: int, total: int) -> None:
        self._show(name, "sending", done, total, f"{size_text(done)} of {size_text(total)}")

    def seen(self, name: str, job: JobView) -> None:
        heard = job.progress
        if heard is None or job.status is not JobStatus.PROCESSING:
            return self._show(name, stage_of(job), 0, None, "")
        of = f" of {time_text(heard.total_seconds)}" if heard.total_seconds else ""
        amount = f"{time_text(heard.done_seconds)}{of}" if heard.done_seconds else of.removeprefix(" of ")
        total = heard.total_seconds if heard.done_seconds else None
        return self._show(name, stage_of(job), heard.done_seconds, total, amount)

    def ended(self, name: str, said: str, *, well: bool) -> None:
        _, row = self._rows.pop(name, ("", None))
        if row is not None:
            self._rich.remove_task(row)
        self._well, self._ill = self._well + well, self._ill + (not well)
        from rich.text import Text

        mark = Text("✓ ", "green") if well else Text("✗ ", "bold red")
        self._console.print(Text.assemble(mark, name, "  ", (said, "dim" if well else "red")))
        self._tell_whole()

    def _tell_whole(self) -> None:
        ill = f", {self._ill} failed" if self._ill else ""
        amount = f"{self._well} of {self._total} done{ill}"
        self._rich.update(self._whole, completed=self._well + self._ill, amount=amount)

    def _show(self, name: str, stage: str, done: float, total: float | None, amount: str) -> None:
        known, row = self._rows.get(name, ("", None))
        if row is not None and stage == known:
            self._rich.update(row, completed=done, total=total, amount=amount)
            return
        # A task of its own for each stage: speed is measured anew, and rich cannot take a total back.
        if row is not None:
            self._rich.remove_task(row)
        short = name if len(name) <= NAME_CHARS else f"…{name[1 - NAME_CHARS :]}"
        self._rows[name] = (
            stage,
            self._rich.add_task(short, total=total, completed=int(done), stage=stage, amount=amount),
        )
