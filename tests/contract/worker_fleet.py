"""What a WorkerFleet promises: who was asked for is there, until it is stopped."""

from __future__ import annotations

import pytest

from tiro.dispatch import Launch, Market
from tiro.ports import WorkerFleet


def launch(count: int, market: Market = Market.SPOT) -> Launch:
    return Launch(market=market, count=count, linger_seconds=300)


class WorkerFleetContract:
    @pytest.fixture
    def fleet(self) -> WorkerFleet:
        raise NotImplementedError

    def there(self, fleet: WorkerFleet) -> list[str]:
        seen = fleet.look()
        return [worker.id for worker in (*seen.running, *seen.pending)]

    def test_at_first_nobody_is_there(self, fleet: WorkerFleet) -> None:
        seen = fleet.look()
        assert not [*seen.running, *seen.pending, *seen.refusals]

    def test_who_was_asked_for_is_seen(self, fleet: WorkerFleet) -> None:
        assert not fleet.launch(launch(1))
        assert not fleet.launch(launch(12))
        assert not fleet.launch(launch(2, Market.ON_DEMAND))
        seen = fleet.look()
        assert [worker.market for worker in (*seen.running, *seen.pending)].count(Market.ON_DEMAND) == 2
        there = self.there(fleet)
        assert len(there) == len(set(there)) == 15

    def test_who_is_stopped_is_gone(self, fleet: WorkerFleet) -> None:
        fleet.launch(launch(3))
        first, *others = self.there(fleet)
        fleet.stop([first], why="a test says so")
        assert sorted(self.there(fleet)) == sorted(others)

    def test_to_stop_who_is_gone_is_no_error(self, fleet: WorkerFleet) -> None:
        fleet.launch(launch(1))
        gone = self.there(fleet)
        fleet.stop(gone, why="a test says so")
        fleet.stop(gone, why="a test says so")
        assert not self.there(fleet)
