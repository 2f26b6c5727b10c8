"""What is printed and drawn of a soak, and whether it was well."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.faults.ledger import Judged
from tests.soak.gauge import Held
from tests.soak.hour import Hour

ROWS = 12
"""Into which the time is divided."""

MORE_MEMORY = 32.0
"""MB by which a worker may have grown in the second half. In the first it meets the most that it will have to hold at
once, and keeps that (container/tuning.py); what goes on growing then, leaks."""


@dataclass(frozen=True)
class Row:
    """A twelfth of it, both workers together."""

    minute: float  # when it began
    jobs: int  # that came to their end
    audio: float  # minutes, of those completed
    wait: float  # seconds from queue to claim, median
    cpu: float  # seconds of the workers for a minute of audio
    memory: float  # MB, median of both together
    files: int  # open, at most
    processes: int  # at most


@dataclass(frozen=True)
class Report(Judged):
    rows: Sequence[Row]
    memory: dict[str, tuple[float, float]]  # by worker, MB: medians of the row after half-time and the last
    left: tuple[str, ...]  # what was still there when all was over
    deaths: int  # of workers

    @classmethod
    def of(cls, hour: Hour, left: Sequence[str]) -> Report:
        return cls(
            rows=list(_rows(hour)),
            verdicts=hour.verdicts,
            memory={lane.name: _grown(hour, lane.name) for lane in hour.lanes},
            left=tuple(left),
            deaths=sum(lane.ended for lane in hour.lanes),
        )

    @property
    def growth(self) -> float:
        """MB, of the worker that grew most."""
        return max(last - first for first, last in self.memory.values())

    @property
    def good(self) -> bool:
        return super().good and not self.left and not self.deaths and self.growth <= MORE_MEMORY

    def last_line(self) -> str:
        audio = sum(row.audio for row in self.rows)
        return (
            f"soak: {len(self.verdicts)} jobs, {audio:.0f} minutes of audio, {self.growth:+.0f} MB, "
            f"{len(self.left)} left behind, {self.lost} lost, {self.doubled} doubled"
        )


def _rows(hour: Hour) -> Iterator[Row]:
    length = hour.terms.seconds / ROWS
    ended = [(_since(hour, job.finished_at), job) for job in hour.jobs if job.finished_at]
    for number in range(ROWS):
        start, end = number * length, (number + 1) * length
        jobs = [job for at, job in ended if start <= at < end]
        held = [each for each in hour.held if start <= each.at < end]
        waits = [(j.started_at - j.queued_at).total_seconds() for j in jobs if j.started_at and j.queued_at]
        audio = sum(job.transcript.duration for job in jobs if job.transcript) / 60
        names = {each.worker for each in held}
        yield Row(
            minute=round(start / 60, 1),
            jobs=len(jobs),
            audio=round(audio, 1),
            wait=round(median(waits), 1) if waits else 0.0,
            cpu=round(sum(_used(held, name) for name in names) / audio, 2) if audio else 0.0,
            memory=round(sum(_median(held, name) for name in names), 0),
            files=max((each.files for each in held), default=0),
            processes=max((each.processes for each in held), default=0),
        )


def _since(hour: Hour, moment: datetime) -> float:
    return (moment - hour.began).total_seconds()


def _used(held: Sequence[Held], worker: str) -> float:
    cpu = [each.cpu for each in held if each.worker == worker]
    return max(0.0, cpu[-1] - cpu[0])


def _median(held: Sequence[Held], worker: str) -> float:
    return median(each.memory for each in held if each.worker == worker)


def _grown(hour: Hour, worker: str) -> tuple[float, float]:
    length = hour.terms.seconds / ROWS

    def part(number: int) -> float:
        held = [each for each in hour.held if number * length <= each.at < (number + 1) * length]
        return round(_median(held, worker), 1)

    return part(ROWS // 2), part(ROWS - 1)


COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("minute", lambda row: f"{row.minute:.0f}"),
    ("jobs", lambda row: str(row.jobs)),
    ("audio, min", lambda row: f"{row.audio:.1f}"),
    ("wait, s", lambda row: f"{row.wait:.1f}"),
    ("CPU s a min of audio", lambda row: f"{row.cpu:.2f}"),
    ("memory, MB", lambda row: f"{row.memory:.0f}"),
    ("files", lambda row: str(row.files)),
    ("processes", lambda row: str(row.processes)),
)


def print_report(report: Report, console: Console) -> None:
    table = Table(*(name for name, _ in COLUMNS), box=None, pad_edge=False)
    for row in report.rows:
        table.add_row(*(cell(row) for _, cell in COLUMNS))
    console.print(table)
    for verdict in report.verdicts:
        if verdict.lost or verdict.doubled:
            console.print(f"{verdict.job}: {verdict.lost} {verdict.doubled}", style="red")
    for name, (first, last) in report.memory.items():
        console.print(f"{name}: {first:.0f} MB at half-time, at the end {last:.0f} MB")
    console.print(f"{report.deaths} workers died; left behind: {', '.join(report.left) or 'nothing'}")


def write_report(report: Report, hour: Hour, folder: Path) -> None:
    """Write it as JSON, and as a picture of each worker's memory over the audio that was heard."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"summary": report.last_line(), **{k: v for k, v in asdict(report).items() if k != "verdicts"}}
    (folder / "soak.json").write_text(json.dumps(said, indent=1) + "\n")
    (folder / "soak.svg").write_text(draw(report, hour))


def draw(report: Report, hour: Hour) -> str:
    """Return an SVG: lines for memory, by worker; bars for minutes of audio in each twelfth."""
    width, height, left, top = 820, 320, 60, 50
    most = 1.15 * max(held.memory for held in hour.held)
    loudest = max(row.audio for row in report.rows) or 1.0
    wide = (width - left - 20) / ROWS
    deep = height - top - 40

    def x(at: float) -> float:
        return left + at / hour.terms.seconds * wide * ROWS

    def y(memory: float) -> float:
        return top + deep * (1 - memory / most)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{left}" y="24" font-size="15" fill="#222">{report.last_line()}</text>',
        f'<text x="{left}" y="40" fill="#666">lines: MB of each worker; bars: minutes of audio heard</text>',
    ]
    for number, row in enumerate(report.rows):
        tall = 0.4 * deep * row.audio / loudest
        at, foot = left + number * wide, top + deep
        parts.append(
            f'<rect x="{at + 4:.1f}" y="{foot - tall:.1f}" width="{wide - 8:.1f}" height="{tall:.1f}" fill="#dfe6ea"/>'
        )
        parts.append(f'<text x="{at + wide / 2:.1f}" y="{foot - 5}" text-anchor="middle">{row.audio:.0f}</text>')
        parts.append(f'<text x="{at:.1f}" y="{foot + 16}" fill="#666">{row.minute:.0f} min</text>')
    for tick in range(0, int(most) + 1, 250):
        parts.append(f'<path d="M{left} {y(tick):.1f}H{width - 20}" stroke="#eee"/>')
        parts.append(f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="#666">{tick}</text>')
    for lane, colour in zip(hour.lanes, ("#c0392b", "#2471a3", "#7d3c98"), strict=False):
        line = [f"{x(h.at):.1f},{y(h.memory):.1f}" for h in hour.held if h.worker == lane.name and h.at <= _end(hour)]
        parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _end(hour: Hour) -> float:
    return hour.terms.seconds
