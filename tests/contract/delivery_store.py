"""What a DeliveryStore promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW, make_queued_job
from tiro.delivery import Attempt, Delivery, event_of
from tiro.errors import Conflict, DeliveryNotFound
from tiro.ports import DeliveryStore


def make_delivery(endpoint: str | None = "wh_1", *, due: float = 0.0, **changes: str) -> Delivery:
    """Return a delivery of a queued job; somebody should look after it `due` seconds after NOW."""
    event = event_of(None, make_queued_job(**changes))
    assert event
    return Delivery.of(event, endpoint, at=NOW, look_at=NOW + timedelta(seconds=due))


FAILED = Attempt(at=NOW, milliseconds=12, status=500, error="It answered 500.")


class DeliveryStoreContract:
    @pytest.fixture
    def store(self) -> DeliveryStore:
        raise NotImplementedError

    def test_the_same_event_makes_one_delivery_for_each_webhook(self, store: DeliveryStore) -> None:
        one, other = make_delivery("wh_1"), make_delivery("wh_2")
        assert [store.create(each) for each in (one, other, one)] == [True, True, False]
        assert sorted(d.id for d in store.of_job(one.job_id)) == sorted((one.id, other.id))
        assert store.get(one.job_id, one.id) == one

    def test_making_it_again_does_not_set_it_back(self, store: DeliveryStore) -> None:
        one = make_delivery()
        store.create(one)
        store.save(one, done := one.begun(until=NOW).delivered(Attempt(at=NOW, milliseconds=1, status=200)))
        assert not store.create(one)
        assert store.get(one.job_id, one.id) == done

    @pytest.mark.parametrize("delivery_id", ["dlv_0", "", "x" * 3000, "é"])
    def test_what_is_not_there_is_not_found(self, store: DeliveryStore, delivery_id: str) -> None:
        store.create(one := make_delivery())
        with pytest.raises(DeliveryNotFound):
            store.get(one.job_id, delivery_id)
        with pytest.raises(DeliveryNotFound):
            store.get("another", one.id)
        assert list(store.of_job("another")) == []

    def test_what_is_forgotten_is_gone_and_nothing_else_is(self, store: DeliveryStore) -> None:
        store.create(one := make_delivery())
        other = one.model_copy(update={"event": one.event.model_copy(update={"job_id": "another"})})
        store.create(other)
        for _ in range(2):
            store.forget(one.job_id)
        assert list(store.of_job(one.job_id)) == []
        assert list(store.of_job("another")) == [other]

    def test_what_tells_that_its_job_was_cancelled_stays_until_it_is_removed(self, store: DeliveryStore) -> None:
        job = make_queued_job()
        event = event_of(job, job.cancelled(at=NOW))
        assert event
        pending, told = (Delivery.of(event, endpoint, at=NOW, look_at=NOW) for endpoint in ("wh_1", "wh_2"))
        for one in (pending, told):
            store.create(one)
        store.save(told, told.delivered(Attempt(at=NOW, milliseconds=1, status=204)))
        store.forget(job.id)
        assert list(store.of_job(job.id)) == [pending]
        for _ in range(2):
            store.remove(pending)
        assert list(store.of_job(job.id)) == []

    def test_of_two_one_is_first(self, store: DeliveryStore) -> None:
        store.create(one := make_delivery())
        store.save(one, first := one.begun(until=NOW))
        store.save(one, first)
        with pytest.raises(Conflict):
            store.save(one, one.passed_on(until=NOW))
        assert store.get(one.job_id, one.id) == first

    def test_due_are_the_pending_ones_most_overdue_first(self, store: DeliveryStore) -> None:
        made = [make_delivery(f"wh_{i:02}", due=i) for i in range(20)]
        for one in reversed(made):
            store.create(one)
        late = NOW + timedelta(seconds=12)
        assert list(store.due(late, limit=100)) == made[:12]
        assert list(store.due(late, limit=5)) == made[:5]
        assert list(store.due(NOW, limit=100)) == []
        store.save(made[0], made[0].failed(FAILED))
        store.save(made[1], made[1].delayed(until=late, look_at=late + timedelta(days=1), after=FAILED))
        assert list(store.due(late, limit=100)) == made[2:12]
