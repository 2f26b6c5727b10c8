"""Why the simulation is believed: nothing appears, nothing vanishes, and a bad rule looks bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.simulation.arrivals import HOUR, LOADS, Load
from tests.simulation.chart import Panel, draw
from tests.simulation.rules import Decision, Planned, Rule, Tracking
from tests.simulation.world import Nature, Outcome, World
from tiro.dispatch import Backlog, Launch, Market, Refusal, Worker
from tiro.settings import DispatchTerms

BY_NAME = {load.name: load for load in LOADS}
SPEEDY = Nature(speed=20)
TERMS = DispatchTerms(worker_speed=20, max_workers=20)


def run(load: Load, rule: Rule, nature: Nature = SPEEDY) -> Outcome:
    return World(load, rule, nature, seed=3).run()


@pytest.mark.parametrize("name", ["rare", "daily", "flood", "drought"])
def test_nothing_is_lost_though_machines_are_taken_back(name: str) -> None:
    outcome = run(BY_NAME[name], Planned(TERMS), replace(SPEEDY, hours_between_reclaims=1.0))
    assert outcome.done == outcome.jobs == len(BY_NAME[name].recordings(3))
    assert outcome.audio == pytest.approx(sum(recording.audio for recording in BY_NAME[name].recordings(3)))
    assert outcome.reclaimed or name == "rare"


def test_the_same_seed_is_the_same_day() -> None:
    once, again = (run(BY_NAME["steady"], Planned(TERMS)) for _ in range(2))
    assert (once.waits, once.usd) == (again.waits, again.usd)


def test_a_rule_that_asks_for_nobody_loses_everything() -> None:
    class Asleep:
        def decide(
            self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
        ) -> Decision:
            return Decision()

    outcome = run(BY_NAME["rare"], Asleep())
    assert (outcome.done, outcome.usd) == (0, 0)


def test_who_floods_waits_and_the_others_hardly_do() -> None:
    outcome = run(BY_NAME["flood"], Planned(TERMS))
    assert outcome.wait(95, lambda owner: owner != "flooder") < outcome.wait(95, lambda owner: owner == "flooder") / 4


def test_without_spot_the_rule_turns_to_demand_and_tracking_waits_for_rain() -> None:
    ours, theirs = run(BY_NAME["drought"], Planned(TERMS)), run(BY_NAME["drought"], Tracking(TERMS))
    assert ours.wait(95) < theirs.wait(95) / 3


def test_a_machine_costs_from_the_asking_to_the_end() -> None:
    class Once:
        asked = False

        def decide(
            self, backlog: Backlog, running: Sequence[Worker], pending: Sequence[Worker], refusals: Sequence[Refusal]
        ) -> Decision:
            launches = () if self.asked else (Launch(market=Market.ON_DEMAND, count=1, linger_seconds=1800),)
            self.asked = True
            return Decision(launches)

    nobody = Load(name="nobody", about="", hours=3, max_workers=1, come=lambda chance: iter(()))
    outcome = run(nobody, Once(), replace(SPEEDY, start=600, start_sigma=0))
    assert outcome.usd == pytest.approx((600 + 1800) / HOUR * 0.9)


def test_a_picture_is_drawn() -> None:
    panel = Panel("wait", {"a": [(0, 0.01), (1, 50)]}, log=True, floor=0.1)
    assert panel.top == 100
    assert [panel.height(value) for value in (0.01, 0.1, 1, 100)] == pytest.approx([0, 0, 1 / 3, 1])
    assert draw([("<daily>", "about it", [panel])], ["a"]).count("<polyline") == 1
