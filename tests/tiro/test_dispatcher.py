"""The dispatcher's rounds, on a fleet and a queue in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes import FakeClock
from tests.fakes_fleet import FakeGauge, FakeLaunchStore, FakeLengthStore, FakeWorkerFleet
from tiro.dispatch import Market, Why
from tiro.ports import Fleet
from tiro.service import Dispatcher
from tiro.settings import DispatchSettings

SETTINGS = DispatchSettings(
    table="table",
    queue_url="queue",
    cluster="cluster",
    task_definition="worker:1",
    spot="spot",
    on_demand="on-demand",
    subnets=("subnet",),
    security_group="group",
    target_wait_seconds=600,
    worker_speed=10,
    patience_seconds=300,
    mean_audio_seconds=600,
)


@pytest.fixture
def dispatcher() -> Dispatcher:
    clock = FakeClock()
    return Dispatcher(FakeGauge(), FakeWorkerFleet(clock), FakeLengthStore(), FakeLaunchStore(), clock, SETTINGS)


def parts(dispatcher: Dispatcher) -> tuple[FakeGauge, FakeWorkerFleet, FakeLengthStore, FakeClock]:
    queue, fleet, lengths, clock = dispatcher.queue, dispatcher.fleet, dispatcher.lengths, dispatcher.clock
    assert isinstance(queue, FakeGauge)
    assert isinstance(fleet, FakeWorkerFleet)
    assert isinstance(lengths, FakeLengthStore)
    assert isinstance(clock, FakeClock)
    return queue, fleet, lengths, clock


def test_from_nothing_to_nothing(dispatcher: Dispatcher) -> None:
    queue, fleet, _, _ = parts(dispatcher)
    assert dispatcher.run().launches == ()
    queue.waiting = 100  # of 600 s: ten workers hear them in ten minutes
    assert dispatcher.run([600.0]).wanted == 10
    assert len(fleet.pending) == 10
    assert dispatcher.run().launches == ()
    fleet.come()
    queue.waiting, queue.in_hand = 90, 10
    assert dispatcher.run().launches == ()
    queue.waiting, queue.in_hand = 0, 0
    assert dispatcher.run().launches == ()
    assert not fleet.stopped  # they go by themselves


def test_short_recordings_need_few_workers_once_they_were_seen(dispatcher: Dispatcher) -> None:
    queue, _, lengths, _ = parts(dispatcher)
    queue.waiting = 1000
    assert dispatcher.run([6.0] * 1000).wanted == 2  # some still count as ten minutes
    assert lengths.mean_seconds == pytest.approx(10, abs=1)


def test_what_may_wait_is_work_too(dispatcher: Dispatcher) -> None:
    queue, _, _, _ = parts(dispatcher)
    queue.waiting, queue.may_wait = 1, 19
    assert replace(dispatcher, settings=replace(SETTINGS, batch_queue_url="other")).run().backlog.waiting == 20
    assert dispatcher.run().backlog.waiting == 1  # where there is one queue for all, it is counted once


def test_what_is_in_hand_counts_half(dispatcher: Dispatcher) -> None:
    queue, _, _, _ = parts(dispatcher)
    queue.in_hand = 20
    assert dispatcher.run().backlog.audio_seconds == 6000


def test_spot_that_does_not_come_is_called_off_for_on_demand(dispatcher: Dispatcher) -> None:
    queue, fleet, _, clock = parts(dispatcher)
    queue.waiting = 1
    dispatcher.run()
    clock.advance(SETTINGS.patience_seconds)
    dispatcher.run()
    assert [worker.market for worker in fleet.pending] == [Market.ON_DEMAND]
    assert list(fleet.stopped) == ["worker-1"]


def test_spot_goes_on_being_waited_for_where_on_demand_is_refused(dispatcher: Dispatcher) -> None:
    queue, fleet, _, clock = parts(dispatcher)
    queue.waiting = 1
    dispatcher.run()
    clock.advance(SETTINGS.patience_seconds)
    fleet.refuse = {Market.ON_DEMAND: Why.QUOTA}
    seen = dispatcher.run()
    assert not fleet.stopped
    assert [(refusal.market, refusal.why) for refusal in seen.refusals] == [(Market.ON_DEMAND, Why.QUOTA)]


def test_a_new_image_takes_over_while_the_others_hear_on(dispatcher: Dispatcher) -> None:
    queue, fleet, _, clock = parts(dispatcher)
    queue.waiting = 100
    dispatcher.run()
    fleet.come()
    fleet.running = [replace(worker, outdated=True) for worker in fleet.running]
    rounds = 0
    while any(worker.outdated for worker in fleet.running):
        dispatcher.run()
        clock.advance(60)
        dispatcher.run()  # the backlog asks for another in its place
        assert (len(fleet.running), len(fleet.pending)) == (9, 1)
        dispatcher.run()  # which is waited for
        assert len(fleet.running) == 9
        fleet.come()
        rounds += 1
        assert rounds <= 10
    assert len(fleet.running) == 10


def test_of_rounds_at_the_same_time_one_alone_asks(dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    queue, fleet, _, _ = parts(dispatcher)
    queue.waiting = 100
    look = fleet.look

    def slowly() -> Fleet:
        seen = look()
        monkeypatch.setattr(fleet, "look", look)
        assert len(dispatcher.run().launches) == 1  # woken by another shard
        return seen

    monkeypatch.setattr(fleet, "look", slowly)
    assert dispatcher.run().launches == ()
    assert len(fleet.pending) == 10


def test_workers_that_ecs_does_not_tell_of_yet_are_not_asked_for_again(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, fleet, _, clock = parts(dispatcher)
    queue.waiting = 50
    with monkeypatch.context() as patch:
        patch.setattr(fleet, "look", lambda: Fleet([], [], []))
        dispatcher.run()
        clock.advance(20)
        assert dispatcher.run().launches == ()
    queue.waiting = 100
    clock.advance(40)
    dispatcher.run()
    assert len(fleet.pending) == 10, "and the clock's next round asks for what came since"


def test_nobody_is_sent_home_for_a_newer_image_while_workers_lack(dispatcher: Dispatcher) -> None:
    queue, fleet, _, _ = parts(dispatcher)
    queue.waiting = 100
    dispatcher.run()
    fleet.come()
    fleet.running = [replace(worker, outdated=True) for worker in fleet.running[:5]]
    seen = dispatcher.run()
    assert (seen.launches, seen.retired) == ((), ())
