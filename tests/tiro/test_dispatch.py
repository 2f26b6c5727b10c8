"""The dispatcher's rule, minute by minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tiro.dispatch import (
    LAUNCHES_AT_ONCE,
    Backlog,
    Launch,
    Market,
    Refusal,
    Why,
    Worker,
    learn,
    plan,
    retire,
    wanted,
    warm,
)
from tiro.settings import DispatchTerms

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday
TERMS = DispatchTerms(target_wait_seconds=600, worker_speed=10, max_workers=20, patience_seconds=300)
ONE_WORKERS_SHARE = TERMS.target_wait_seconds * TERMS.worker_speed  # seconds of audio


def backlog(waiting: int, audio_seconds: float = 60.0, *, in_hand: int = 0, at: datetime = NOW) -> Backlog:
    return Backlog(at=at, waiting=waiting, in_hand=in_hand, audio_seconds=audio_seconds)


def workers(count: int, market: Market = Market.SPOT, *, age: float = 60, outdated: bool = False) -> list[Worker]:
    asked_at = NOW - timedelta(seconds=age)
    return [Worker(id=f"{market}-{n}", market=market, asked_at=asked_at, outdated=outdated) for n in range(count)]


def refusal(market: Market, why: Why, *, age: float = 60) -> Refusal:
    return Refusal(market=market, why=why, words="as AWS says it", at=NOW - timedelta(seconds=age))


def asked(launches: tuple[Launch, ...]) -> dict[str, int]:
    return {launch.market.value: launch.count for launch in launches}


class TestHowMany:
    def test_nothing_waits_and_nobody_is_asked_for(self) -> None:
        assert plan(backlog(0, 0), [], [], TERMS) == ()

    def test_the_first_recording_wakes_one_on_spot(self) -> None:
        [launch] = plan(backlog(1, 5), [], [], TERMS)
        assert launch == Launch(market=Market.SPOT, count=1, linger_seconds=TERMS.linger_seconds)

    def test_so_many_that_the_backlog_is_heard_in_time(self) -> None:
        assert wanted(backlog(100, 5 * ONE_WORKERS_SHARE), TERMS) == 5
        assert wanted(backlog(100, 5 * ONE_WORKERS_SHARE + 1), TERMS) == 6

    def test_who_is_there_or_coming_is_not_asked_for_again(self) -> None:
        deep = backlog(100, 5 * ONE_WORKERS_SHARE)
        assert asked(plan(deep, workers(2), workers(1), TERMS)) == {"spot": 2}
        assert plan(deep, workers(3), workers(2), TERMS) == ()
        assert plan(deep, workers(9), [], TERMS) == ()

    def test_what_is_in_hand_is_work_too(self) -> None:
        assert wanted(backlog(0, 60, in_hand=1), TERMS) == 1

    def test_a_recording_is_not_shared_out(self) -> None:
        assert wanted(backlog(2, 50 * ONE_WORKERS_SHARE, in_hand=1), TERMS) == 3

    def test_there_is_a_maximum_and_a_pace(self) -> None:
        flood = backlog(10_000, 10_000 * ONE_WORKERS_SHARE)
        assert asked(plan(flood, [], [], TERMS)) == {"spot": TERMS.max_workers}
        assert asked(plan(flood, [], [], replace(TERMS, max_workers=5000))) == {"spot": LAUNCHES_AT_ONCE}


class TestMarkets:
    def test_what_pends_on_spot_too_long_is_asked_for_on_demand_instead(self) -> None:
        late = workers(2, age=TERMS.patience_seconds)
        [launch] = plan(backlog(2), [], late, TERMS)
        assert (launch.market, launch.count) == (Market.ON_DEMAND, 2)
        assert launch.instead_of == ("spot-0", "spot-1")

    def test_patience_is_not_over_early(self) -> None:
        assert plan(backlog(2, 2 * ONE_WORKERS_SHARE), [], workers(2, age=TERMS.patience_seconds - 1), TERMS) == ()

    def test_what_pends_on_demand_is_waited_for(self) -> None:
        assert plan(backlog(1), [], workers(1, Market.ON_DEMAND, age=9999), TERMS) == ()

    def test_new_work_is_tried_on_spot_even_while_some_is_late(self) -> None:
        launches = plan(backlog(3, 3 * ONE_WORKERS_SHARE), [], workers(1, age=9999), TERMS)
        assert asked(launches) == {"on_demand": 1, "spot": 2}

    @pytest.mark.parametrize("why", [Why.QUOTA, Why.CAPACITY])
    def test_spot_that_refused_lately_is_passed_over(self, why: Why) -> None:
        refused = [refusal(Market.SPOT, why)]
        assert asked(plan(backlog(1), [], [], TERMS, refusals=refused)) == {"on_demand": 1}
        old = [refusal(Market.SPOT, why, age=TERMS.refused_seconds)]
        assert asked(plan(backlog(1), [], [], TERMS, refusals=old)) == {"spot": 1}

    def test_without_any_quota_nobody_is_asked_in_vain(self) -> None:
        refused = [refusal(market, Why.QUOTA) for market in Market]
        assert plan(backlog(1), [], [], TERMS, refusals=refused) == ()

    def test_without_on_demand_quota_spot_is_waited_for(self) -> None:
        refused = [refusal(Market.ON_DEMAND, Why.QUOTA)]
        assert plan(backlog(1), [], workers(1, age=9999), TERMS, refusals=refused) == ()
        assert asked(plan(backlog(1), [], [], TERMS, refusals=refused)) == {"spot": 1}

    def test_on_demand_out_of_machines_is_asked_again(self) -> None:
        refused = [refusal(market, Why.CAPACITY) for market in Market]
        assert asked(plan(backlog(1), [], [], TERMS, refusals=refused)) == {"on_demand": 1}

    def test_an_image_that_will_not_start_changes_no_market(self) -> None:
        assert asked(plan(backlog(1), [], [], TERMS, refusals=[refusal(Market.SPOT, Why.OTHER)])) == {"spot": 1}


class TestBudget:
    TERMS = replace(TERMS, spot_usd_per_hour=0.3, on_demand_usd_per_hour=1.0, max_usd_per_hour=2.0)

    def test_no_more_is_asked_for_than_is_paid_for(self) -> None:
        deep = backlog(100, 100 * ONE_WORKERS_SHARE)
        assert asked(plan(deep, [], [], self.TERMS)) == {"spot": 6}
        assert asked(plan(deep, workers(1, Market.ON_DEMAND), workers(1), self.TERMS)) == {"spot": 2}
        assert plan(deep, workers(2, Market.ON_DEMAND), [], self.TERMS) == ()

    def test_a_late_one_is_called_off_only_for_another_that_is_paid_for(self) -> None:
        [launch] = plan(backlog(3), [], workers(3, age=9999), self.TERMS)
        assert (launch.market, launch.count, launch.instead_of) == (Market.ON_DEMAND, 2, ("spot-0", "spot-1"))


class TestWarmth:
    TERMS = replace(TERMS, warm_workers=2, warm_from_hour=8, warm_to_hour=18)

    @pytest.mark.parametrize(
        ("at", "there"),
        [
            (NOW, 2),
            (NOW.replace(hour=8), 2),
            (NOW.replace(hour=7, minute=59), 0),
            (NOW.replace(hour=18), 0),
            (NOW + timedelta(days=4), 0),  # Saturday
        ],
    )
    def test_by_day_and_hour(self, at: datetime, there: int) -> None:
        assert warm(at, self.TERMS) == there
        assert wanted(backlog(0, 0, at=at), self.TERMS) == there

    def test_they_stay_to_the_end_of_the_warm_hours(self) -> None:
        [launch] = plan(backlog(0, 0, at=NOW.replace(minute=30)), workers(1), [], self.TERMS)
        assert (launch.count, launch.linger_seconds) == (1, 5.5 * 3600)

    def test_a_floor_that_is_there_makes_nobody_linger(self) -> None:
        [launch] = plan(backlog(9, 4 * ONE_WORKERS_SHARE), workers(2), [], self.TERMS)
        assert (launch.count, launch.linger_seconds) == (2, TERMS.linger_seconds)


class TestRetire:
    def test_a_tenth_at_a_time_and_the_oldest_first(self) -> None:
        old, older = workers(2, age=60, outdated=True), workers(9, Market.ON_DEMAND, age=3600, outdated=True)
        assert retire([*old, *older], []) == ("on_demand-0", "on_demand-1")

    def test_one_at_least_and_only_who_is_outdated(self) -> None:
        assert retire(workers(1, outdated=True), []) == ("spot-0",)
        assert retire(workers(5), []) == ()
        assert retire([], []) == ()

    def test_nobody_while_others_are_still_to_come(self) -> None:
        assert retire(workers(10, outdated=True), workers(1)) == ()


class TestLearn:
    def test_it_follows_what_comes_in(self) -> None:
        mean = 600.0
        for _ in range(20):
            mean = learn(mean, [60.0] * 100)
        assert mean == pytest.approx(60, abs=1)

    def test_batches_or_one_by_one_is_the_same(self) -> None:
        one_by_one = 600.0
        for _ in range(50):
            one_by_one = learn(one_by_one, [60.0])
        assert learn(600.0, [60.0] * 50) == pytest.approx(one_by_one)

    def test_nothing_new_changes_nothing(self) -> None:
        assert learn(600.0, []) == 600.0
