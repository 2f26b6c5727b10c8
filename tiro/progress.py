"""What somebody who waits sees on standard error: a bar on a terminal, a few lines in a log, or nothing."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol, Self

from tiro.job import JobStatus, JobView

SPEED_SECONDS = 120
"""Over how long the ETA's speed is measured. A worker tells of its progress every 20 s or so."""


class Progress(Protocol):
    """Use it in a `with`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def sent(self, done: int, total: int) -> None:
        """So many bytes of so many are uploaded."""
        ...

    def seen(self, job: JobView) -> None:
        """The job was looked at."""
        ...


def progress(*, quiet: bool) -> Progress:
    if quiet:
        return Silence()
    return Bar() if sys.stderr.isatty() else Log()


class Silence:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sent(self, done: int, total: int) -> None:
        pass

    def seen(self, job: JobView) -> None:
        pass


class Log(Silence):
    """A line whenever something new can be said."""

    def __init__(self) -> None:
        self._last = ""

    def sent(self, done: int, total: int) -> None:
        if done == total:
            self._say(f"sent {size_text(total)}")

    def seen(self, job: JobView) -> None:
        self._say(f"job {job.id}: {stage_of(job)}")

    def _say(self, line: str) -> None:
        if line != self._last:
            print(f"tiro: {line}", file=sys.stderr)
        self._last = line


class Bar:
    """One bar that is sent bytes first, then a wait, then heard seconds; gone when all is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._rich = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
            speed_estimate_period=SPEED_SECONDS,
        )
        self._stage = "sending"
        self._task = self._rich.add_task(self._stage, total=None, amount="")

    def __enter__(self) -> Self:
        self._rich.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._rich.stop()

    def sent(self, done: int, total: int) -> None:
        self._show("sending", done, total, f"{size_text(done)} of {size_text(total)}")

    def seen(self, job: JobView) -> None:
        heard = job.progress
        if heard is None:
            return self._show(stage_of(job), 0, None, "")
        of = f" of {time_text(heard.total_seconds)}" if heard.total_seconds else ""
        amount = f"{time_text(heard.done_seconds)}{of}" if heard.done_seconds else ""
        # Without a done second there is no speed, and a bar that stands at nothing looks stuck: let it pulse.
        total = heard.total_seconds if heard.done_seconds else None
        return self._show(stage_of(job), heard.done_seconds, total, amount)

    def _show(self, stage: str, done: float, total: float | None, amount: str) -> None:
        if stage == self._stage:
            self._rich.update(self._task, completed=done, total=total, amount=amount)
            return
        # A task of its own for each stage: speed is measured anew, and rich cannot take a total back.
        self._rich.remove_task(self._task)
        self._stage = stage
        self._task = self._rich.add_task(stage, completed=int(done), total=total, amount=amount)


def stage_of(job: JobView) -> str:
    match job.status:
        case JobStatus.AWAITING_MEDIA:
            return "arriving"
        case JobStatus.PROCESSING:
            return "transcribing" if job.progress and job.progress.done_seconds else "starting"
        case status:
            return status.value


def size_text(count: int) -> str:
    """Return bytes as a person reads them, in powers of a thousand as disks and S3's bill have them."""
    units = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
    return next((f"{count / factor:.1f} {unit}" for unit, factor in units if count >= factor), f"{count} bytes")


def time_text(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
