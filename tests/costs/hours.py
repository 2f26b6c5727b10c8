"""What an hour of audio costs: the formula, pure, and where its numbers come from.

    USD per audio hour = worker's hour / (speed × busy share) + all that is not the worker

A worker's hour is its machine, the share on Spot at Spot's price, with what ECS, a public address and a disk add to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"

HOURS = 730
"""Of a month, as AWS counts."""

DISK_GB = 60
"""Of each machine (infra.fleet.IMAGE_DISK)."""

JOBS_AN_HOUR = 6
"""Of ten minutes each: the job whose calls docs/measurements.md counts."""

STORED_USD = 0.026
"""For a thousand such jobs: 4.8 GB for a week (docs/measurements.md)."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Prices of prices.json's `machines`, in USD."""

    per_hour: Mapping[str, float]  # on demand, by type
    spot_share_of_price: float  # of the price on demand: an assumption, it moves by the hour
    management_share_of_price: float  # ECS's own, of the price on demand whatever the market
    public_address_hour: float
    disk_gb_month: float
    fargate_vcpu_hour: float
    fargate_gb_hour: float

    def worker_hour(self, kind: str, spot_share: float) -> float:
        """Return USD for an hour of a worker, of whose hours `spot_share` (0 to 1) are on Spot."""
        machine = self.per_hour[kind]
        rented = machine * (spot_share * self.spot_share_of_price + 1 - spot_share)
        disk = DISK_GB * self.disk_gb_month / HOURS
        return rented + machine * self.management_share_of_price + self.public_address_hour + disk

    def fargate_hour(self, vcpus: float, gigabytes: float) -> float:
        return vcpus * self.fargate_vcpu_hour + gigabytes * self.fargate_gb_hour


def usd_per_audio_hour(worker_hour: float, *, speed: float, busy_share: float, rest: float) -> float:
    """Return USD. `speed` is seconds of audio heard in one; `busy_share`, over 0 to 1, how much of its time that is.

    `rest` is USD for what is not the worker, an audio hour. Raises ValueError for a share or a speed that cannot be.
    """
    if not 0 < busy_share <= 1 or speed <= 0:
        raise ValueError(f"A worker that is busy for {busy_share} of its time at speed {speed} hears nothing.")
    return worker_hour / (speed * busy_share) + rest


# ---------------------------------------------------------------- where the numbers are


def read_prices() -> dict[str, Any]:
    return dict(json.loads((DOCS / "prices.json").read_text()))


def read_machines() -> Machines:
    told = read_prices()["machines"]
    return Machines(**{name: value for name, value in told.items() if name != "as_of"})


def read_speeds() -> Mapping[str, Mapping[str, float]]:
    """Return the assumed speed by model and machine."""
    told: Mapping[str, Mapping[str, float]] = json.loads((DOCS / "speeds.json").read_text())["assumed"]
    return told


def read_rest() -> float:
    """Return USD an audio hour for calls, units, functions and a week's storage, as docs/measurements.md has them."""
    [thousand] = re.findall(r"\*\*in all\*\* .*\*\*([\d.]+)\*\* \|", (DOCS / "measurements.md").read_text())
    return (float(thousand) + STORED_USD) / 1000 * JOBS_AN_HOUR


def read_shares(ideal: float, rule: str = "tiro") -> Mapping[str, float]:
    """Return the busy share by load, as the simulation found it under a rule: the ideal USD over what it took.

    `ideal` is USD for an audio hour on a Spot machine that never waits, at the simulation's prices. Hours on demand
    make a share look smaller than it is.
    """
    rows = re.findall(rf"^\| (\w+) \| {rule} \|(?:[^|]*\|){{5}} ([\d.]+) \|", (DOCS / "scaling.md").read_text(), re.M)
    return {load: min(1.0, ideal / float(usd)) for load, usd in rows}
