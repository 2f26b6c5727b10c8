"""What is printed, and written down, of a campaign. The words for what was heard are hearing.py's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.faults.hearing import Audio, Heard
from tests.faults.lane import Lane
from tests.faults.ledger import Judged, Row, rows

if TYPE_CHECKING:
    from tests.faults.campaign import Day, Size


@dataclass(frozen=True)
class Report(Judged):
    seed: int
    injected: int
    unmet: int  # faults that found nothing to happen to, and are not counted
    rows: Sequence[Row]
    deaths: int  # of workers
    stuck: int  # workers that did not stop when asked to
    completed_seconds: float  # of the recordings whose jobs were completed
    heard_seconds: float  # in all, also of jobs that were not completed
    audio: Audio  # of the jobs that were completed
    told: int  # calls that a webhook receiver got; more than jobs, when one was not sure

    @classmethod
    def of(cls, day: Day, lanes: Sequence[Lane], heard: Heard, size: Size) -> Report:
        those = {v.job for v in day.verdicts if v.status == "completed"}
        completed = [job for job in day.ground.jobs() if job.id in those]
        return cls(
            seed=size.seed,
            injected=len(day.injected),
            unmet=day.unmet,
            rows=rows(day.injected, day.verdicts),
            verdicts=day.verdicts,
            deaths=sum(lane.ended for lane in lanes),
            stuck=sum(lane.stuck for lane in lanes),
            completed_seconds=round(sum(job.transcript.duration for job in completed if job.transcript), 1),
            heard_seconds=heard.audio().heard,
            audio=heard.audio({job.media.key for job in completed if job.media}),
            told=day.told.calls,
        )

    @property
    def beyond(self) -> float:
        """The share of the completed audio that was settled, and heard again all the same."""
        return self.audio.beyond / self.completed_seconds if self.completed_seconds else 0.0

    def audio_line(self) -> str:
        audio = self.audio
        return (
            f"{self.completed_seconds:,.0f} s of audio completed; heard again {audio.again:,.0f} s: "
            f"in flight {audio.in_flight:,.0f} s, beyond {audio.beyond:,.0f} s ({self.beyond:.1%}), "
            f"of it finished {audio.finished:,.0f} s"
        )

    def last_line(self) -> str:
        return f"faults: {self.injected} injected, {len(self.verdicts)} jobs, {self.lost} lost, {self.doubled} doubled"


def print_report(report: Report, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("what went wrong")
    for name in ("injected", "jobs hit", "completed", "ended otherwise", "lost", "doubled"):
        table.add_column(name, justify="right")
    for row in report.rows:
        counts = (row.injected, row.jobs, row.completed, row.failed, row.lost, row.doubled)
        table.add_row(row.kind, *map(str, counts))
    console.print(table)
    states: dict[str, int] = {}
    for verdict in report.verdicts:
        name = f"{verdict.status} ({verdict.code})" if verdict.code else verdict.status
        states[name] = states.get(name, 0) + 1
        if verdict.lost or verdict.doubled:
            console.print(f"{verdict.job}: {verdict.lost} {verdict.doubled}", style="red")
    console.print()
    console.print(", ".join(f"{count} {name}" for name, count in sorted(states.items())))
    console.print(
        f"{report.deaths} workers ended, {report.stuck} had to be killed; {report.unmet} faults found nothing to hit; "
        f"{report.told} calls told of {len(report.verdicts)} ends"
    )
    console.print(f"{report.audio_line()}; {report.heard_seconds:,.0f} s heard in all, cancelled jobs' too")


def write_report(report: Report, folder: Path) -> None:
    """Write it as JSON, and as a picture of what each kind of fault hit."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.json").write_text(json.dumps(asdict(report), indent=1) + "\n")
    (folder / "faults.svg").write_text(draw(report))


COLOURS = {"completed": "#3a7d44", "ended otherwise": "#8a8f98", "lost or doubled": "#c0392b"}


def draw(report: Report) -> str:
    """Return an SVG: a bar for each kind of fault, as long as the jobs that it hit, coloured by how they ended."""
    line, left, top, wide = 20, 220, 100, 900
    height = top + 12 + line * len(report.rows)
    scale = min(24.0, (wide - left - 100) / max([1, *(row.jobs for row in report.rows)]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{height}"',
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="10" y="24" font-size="15" font-weight="bold">{report.last_line()}</text>',
        f'<text x="10" y="44" fill="#555">{report.audio_line()}</text>',
    ]
    for place, (name, colour) in enumerate(COLOURS.items()):
        at = left + 180 * place
        parts.append(f'<rect x="{at}" y="66" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{at + 18}" y="76" fill="#555">jobs {name}</text>')
    for place, row in enumerate(report.rows):
        y, x = top + line * place, float(left)
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{row.kind}</text>')
        for count, colour in zip((row.completed, row.failed, row.lost + row.doubled), COLOURS.values(), strict=True):
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{count * scale:.1f}" height="{line - 5}" fill="{colour}"/>')
            x += count * scale
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 12}" fill="#555">{row.injected} injected</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
