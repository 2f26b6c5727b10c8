"""`make simulate`: every load under every rule, as a table and a picture, with Tiro's own `plan` among the rules."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tests.simulation.arrivals import HOUR, LOADS, MILLION, Load
from tests.simulation.chart import Panel, draw
from tests.simulation.rules import Planned, rules
from tests.simulation.world import Nature, Outcome, World
from tiro.settings import DispatchTerms

SEED = 20
NATURE = Nature()
QUIET_OWNERS = "owner-"

HEAD = """| load | rule | wait p50 | p95 | p99 | the others' p95 | USD | USD per audio hour | most workers | lost |
|---|---|---|---|---|---|---|---|---|---|"""


def main(argv: list[str]) -> int:
    """Exit status 0 when no recording was lost under Tiro's rule."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--million", action="store_true", help="an hour of a million audio hours a day, too")
    parser.add_argument(
        "--write", type=Path, help="the folder of scaling.md, to write its tables and simulation.svg anew"
    )
    args = parser.parse_args(argv)
    loads = [*LOADS, MILLION] if args.million else list(LOADS)
    outcomes: dict[str, dict[str, Outcome]] = {}
    print(HEAD)
    for load in loads:
        outcomes[load.name] = {}
        for name, outcome in _under_each_rule(load):
            outcomes[load.name][name] = outcome
            print(_row(load.name, name, outcome))
    sweep = _sweep()
    print(f"\n{sweep}\n")
    if args.write:
        _write(args.write, loads, outcomes, sweep)
    return _last_line([by_rule["tiro"] for by_rule in outcomes.values()])


def _under_each_rule(load: Load) -> Iterator[tuple[str, Outcome]]:
    audio = sum(recording.audio for recording in load.recordings(SEED)) / (load.hours * HOUR)
    terms = DispatchTerms(worker_speed=NATURE.speed, max_workers=load.max_workers)
    for name, make in rules(terms, audio).items():
        _progress(f"{load.name}: {name}")
        outcome = World(load, make(), NATURE, SEED).run()
        _progress("")
        yield name, outcome


def _sweep() -> str:
    """What the two settings that ops will turn are worth, on the day that most have."""
    load = next(load for load in LOADS if load.name == "daily")
    lines = ["| target wait | linger | wait p50 | p95 | USD per audio hour |", "|---|---|---|---|---|"]
    terms = DispatchTerms(worker_speed=NATURE.speed, max_workers=load.max_workers)
    for target in (60.0, 120.0, 300.0, 900.0):
        for linger in (30, 60, 120, 300):
            _progress(f"target wait {target:.0f} s, linger {linger} s")
            rule = Planned(replace(terms, target_wait_seconds=target, linger_seconds=linger))
            outcome = World(load, rule, NATURE, SEED).run()
            lines.append(
                f"| {target:.0f} s | {linger} s | {_seconds(outcome.wait(50))} | {_seconds(outcome.wait(95))} |"
                f" {outcome.usd_per_audio_hour:.3f} |"
            )
            _progress("")
    return "\n".join(lines)


def _row(load: str, rule: str, outcome: Outcome) -> str:
    waits = " | ".join(_seconds(outcome.wait(percent)) for percent in (50, 95, 99))
    others = _seconds(outcome.wait(95, lambda owner: owner.startswith(QUIET_OWNERS)))
    most = max(sample.workers for sample in outcome.samples)
    return (
        f"| {load} | {rule} | {waits} | {others} | {outcome.usd:.2f} | {outcome.usd_per_audio_hour:.3f} | {most} |"
        f" {outcome.jobs - outcome.done} |"
    )


def _last_line(ours: list[Outcome]) -> int:
    jobs, lost = sum(outcome.jobs for outcome in ours), sum(outcome.jobs - outcome.done for outcome in ours)
    waits: dict[str, list[float]] = {}
    for outcome in ours:
        for owner, times in outcome.waits.items():
            waits.setdefault(owner, []).extend(times)
    total = Outcome(waits=waits, audio=sum(o.audio for o in ours), usd=sum(o.usd for o in ours))
    print(
        f"simulate: {jobs} jobs, p95 wait {total.wait(95):.0f} s, {total.usd_per_audio_hour:.3f} USD per audio hour,"
        f" {lost} lost"
    )
    return 0 if lost == 0 else 1


def _write(folder: Path, loads: list[Load], outcomes: Mapping[str, Mapping[str, Outcome]], sweep: str) -> None:
    names = list(next(iter(outcomes.values())))
    rows = []
    for load in loads:
        samples = {name: outcome.samples for name, outcome in outcomes[load.name].items()}
        panels = [
            Panel(
                "longest wait, minutes",
                {name: [(s.hour, s.oldest_wait / 60) for s in line] for name, line in samples.items()},
                log=True,
                floor=0.1,
            ),
            Panel("workers", {name: [(s.hour, s.workers) for s in line] for name, line in samples.items()}),
            Panel("USD so far", {name: [(s.hour, s.usd) for s in line] for name, line in samples.items()}),
        ]
        rows.append((load.name, load.about, panels))
    (folder / "simulation.svg").write_text(draw(rows, names))
    table = [HEAD, *(_row(load.name, name, outcome) for load in loads for name, outcome in outcomes[load.name].items())]
    page = folder / "scaling.md"
    text = page.read_text()
    for name, made in (("loads", "\n".join(table)), ("sweep", sweep)):
        begin, end = f"<!-- {name}: make simulate writes this -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"
    page.write_text(text)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _progress(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
