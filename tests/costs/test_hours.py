"""The formula: what makes an hour of audio dearer, and what cannot be."""

from __future__ import annotations

import pytest

from tests.costs.hours import DOCS, Machines, read_machines, read_rest, read_shares, usd_per_audio_hour

MACHINES = Machines(
    per_hour={"g": 1.0},
    spot_share_of_price=0.4,
    management_share_of_price=0.1,
    public_address_hour=0.005,
    disk_gb_month=0.0,
    fargate_vcpu_hour=0.04,
    fargate_gb_hour=0.005,
)


def test_a_worker_that_hears_twenty_hours_in_one_costs_a_twentieth_and_the_rest() -> None:
    assert usd_per_audio_hour(2.0, speed=20, busy_share=1, rest=0.01) == pytest.approx(0.11)
    assert usd_per_audio_hour(2.0, speed=20, busy_share=0.5, rest=0.01) == pytest.approx(0.21)


@pytest.mark.parametrize(("speed", "share"), [(0, 1), (20, 0), (20, 1.1), (-1, 0.5)])
def test_who_hears_nothing_has_no_price(speed: float, share: float) -> None:
    with pytest.raises(ValueError, match="hears nothing"):
        usd_per_audio_hour(1.0, speed=speed, busy_share=share, rest=0)


def test_spot_is_cheaper_and_ecs_asks_its_part_of_the_price_on_demand() -> None:
    assert MACHINES.worker_hour("g", 0) == pytest.approx(1.0 + 0.1 + 0.005)
    assert MACHINES.worker_hour("g", 1) == pytest.approx(0.4 + 0.1 + 0.005)
    assert MACHINES.worker_hour("g", 0.5) == pytest.approx(0.7 + 0.1 + 0.005)


def test_fargate_asks_by_cores_and_memory() -> None:
    assert MACHINES.fargate_hour(2, 4) == pytest.approx(0.1)


def test_a_disk_is_paid_by_the_hour() -> None:
    assert read_machines().disk_gb_month * 60 / 730 == pytest.approx(0.0066, abs=1e-4)


def test_the_rest_is_what_was_measured_and_as_the_page_has_it() -> None:
    assert read_rest() == pytest.approx(6 * (0.056 + 0.026) / 1000, rel=0.1)
    assert f"about {read_rest():.4f} USD an audio hour" in (DOCS / "cost.md").read_text()


def test_shares_are_the_simulations() -> None:
    shares = read_shares(0.0175)
    assert {"rare", "steady", "burst", "million"} <= set(shares)
    assert shares["rare"] < shares["steady"] < shares["million"] < 1
