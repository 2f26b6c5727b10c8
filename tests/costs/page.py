"""The tables of docs/cost.md, made of prices, speeds, the simulation's loads and the templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from functions import dispatch
from tests.costs.hours import (
    DOCS,
    read_machines,
    read_prices,
    read_rest,
    read_shares,
    read_speeds,
    usd_per_audio_hour,
)
from tests.costs.idle import Template, firewall, idle_bill, own_key
from tests.simulation.world import Nature
from tiro.dispatch import Market

PAGE = DOCS / "cost.md"

USUAL = "steady"  # the load by which models and machines are compared

CPU_SPEED = 25.5
"""Of `base` on two cores, with five beams: 607 s in 23.8 s (docs/measurements.md, "How well it hears")."""

CPU_VCPUS, CPU_GIGABYTES = 2, 4

EXAMPLE = ("large-v3-turbo", "g6.xlarge")

Rows = Sequence[Sequence[str]]


def fill(text: str, templates: Sequence[Template], firewall_rules: int) -> str:
    """Return the page with every table as it is now."""
    tables = {"models": models(), "loads": loads(), "hosted": hosted(), "idle": idle(templates, firewall_rules)}
    for name, rows in tables.items():
        begin, end = f"<!-- {name}: make costs writes this -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        if not found:
            raise ValueError(f"The page has no place for {name}.")
        text = f"{before}{begin}\n{_table(rows)}\n{end}{rest.partition(end)[2]}"
    return text


def busy_shares() -> Mapping[str, float]:
    nature = Nature()
    return read_shares(nature.price(Market.SPOT) / nature.speed)


def metrics_when_idle() -> int:
    """Return how many metrics the dispatcher tells when nothing happens."""
    named = re.findall(r'^ +"([A-Z]\w+)":', Path(dispatch.__file__).read_text(), re.M)
    return len(set(named) - dispatch.SELDOM)


def models() -> Rows:
    machines, rest, share = read_machines(), read_rest(), busy_shares()[USUAL]
    head = ["model", "machine", "speed", "Spot, never idle", "Spot", "half Spot", "on demand"]

    def row(model: str, kind: str, speed: float) -> list[str]:
        cells = ((1.0, 1.0), (1.0, share), (0.5, share), (0.0, share))
        costs = [
            usd_per_audio_hour(machines.worker_hour(kind, spot), speed=speed, busy_share=busy, rest=rest)
            for spot, busy in cells
        ]
        return [model, kind, f"{speed:g}, assumed", *map(_usd, costs)]

    rows = [row(model, kind, speed) for model, by_kind in read_speeds().items() for kind, speed in by_kind.items()]
    hour = machines.fargate_hour(CPU_VCPUS, CPU_GIGABYTES)
    usual = _usd(usd_per_audio_hour(hour, speed=CPU_SPEED, busy_share=share, rest=rest))
    fargate = f"Fargate, {CPU_VCPUS} vCPU, {CPU_GIGABYTES} GB"
    return [head, *rows, ["base", fargate, f"{CPU_SPEED:g}, measured on two other cores", "", "", "", usual]]


def loads() -> Rows:
    """One model on one machine, under each load of the simulation."""
    machines, rest = read_machines(), read_rest()
    model, kind = EXAMPLE
    speed = read_speeds()[model][kind]

    def cost(spot: float, busy: float) -> str:
        hour = machines.worker_hour(kind, spot)
        return _usd(usd_per_audio_hour(hour, speed=speed, busy_share=busy, rest=rest))

    rows = [
        [load, f"{busy:.0%}", *(cost(spot, busy) for spot in (1, 0.8, 0.5, 0))] for load, busy in busy_shares().items()
    ]
    return [["load", "busy", "all on Spot", "80 %", "half", "on demand"], *rows]


def hosted() -> Rows:
    machines, rest, shares = read_machines(), read_rest(), busy_shares()
    costs = dict(read_prices()["hosted"]["per_audio_hour"])
    for model in ("large-v3-turbo", "large-v3"):
        hour = machines.worker_hour("g6.xlarge", 0.8)
        speed = read_speeds()[model]["g6.xlarge"]
        own = usd_per_audio_hour(hour, speed=speed, busy_share=shares[USUAL], rest=rest)
        costs[f"**Tiro, {model}**, g6.xlarge, 80 % Spot, load {USUAL}, speed assumed"] = round(own, 3)
    return [["service", "USD an audio hour"], *([name, _usd(usd)] for name, usd in sorted(costs.items(), key=_second))]


def idle(templates: Sequence[Template], firewall_rules: int) -> Rows:
    lines = list(idle_bill(templates, read_prices(), metrics_when_idle()))
    rows = [[line.what, line.how_many, f"{line.usd:.2f}", f"{line.beyond_free:.2f}"] for line in lines]
    total, beyond = sum(line.usd for line in lines), sum(line.beyond_free for line in lines)
    option = f"{firewall(firewall_rules, read_prices()):.2f}"
    key = f"{own_key(templates, read_prices()):.2f}"
    head = ["", "how many", "USD a month, list", "beyond what is free for good"]
    return [
        head,
        *rows,
        ["**in all**", "", f"**{total:.2f}**", f"**{beyond:.2f}**"],
        ["option `waf`", "", option, option],
        ["option `kms_key=make`", "", key, key],
    ]


def _table(rows: Rows) -> str:
    head, *body = (f"| {' | '.join(cells)} |" for cells in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def _usd(usd: float) -> str:
    return f"{usd:.3f}" if usd < 0.1 else f"{usd:.2f}"


def _second(pair: tuple[str, float]) -> float:
    return pair[1]
