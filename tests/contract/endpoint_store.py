"""What an EndpointStore promises."""

from __future__ import annotations

import pytest

from tests.factories import NOW
from tiro.errors import Conflict, WebhookNotFound
from tiro.ports import EndpointStore
from tiro.signature import new_secret
from tiro.webhook import Endpoint, EventType

ONE = Endpoint(
    id="wh_1",
    owner="ada",
    url="https://example.com/ä",
    events=(EventType.COMPLETED,),
    created_at=NOW,
    secret=new_secret(bytes(32)),
)


class EndpointStoreContract:
    @pytest.fixture
    def store(self) -> EndpointStore:
        raise NotImplementedError

    def test_it_comes_back_as_it_went_in_to_its_owner_alone(self, store: EndpointStore) -> None:
        store.create(ONE)
        store.create(ONE)  # the answer was lost
        assert store.get("ada", "wh_1") == ONE
        for owner, endpoint_id in (("bob", "wh_1"), ("ada", "wh_2"), ("ada", "x" * 3000)):
            with pytest.raises(WebhookNotFound):
                store.get(owner, endpoint_id)

    def test_an_id_is_given_once(self, store: EndpointStore) -> None:
        store.create(ONE)
        with pytest.raises(Conflict):
            store.create(ONE.model_copy(update={"url": "https://other.example/"}))
        assert store.get("ada", "wh_1") == ONE

    def test_an_owner_s_are_listed_by_id(self, store: EndpointStore) -> None:
        mine = [ONE.model_copy(update={"id": f"wh_{i}"}) for i in range(3)]
        for one in (*reversed(mine), ONE.model_copy(update={"owner": "ada-2"})):
            store.create(one)
        assert list(store.list("ada")) == mine
        assert list(store.list("nobody")) == []

    def test_an_update_is_never_lost(self, store: EndpointStore) -> None:
        store.create(ONE)
        winner = ONE.rotated(new_secret(bytes(24)), at=NOW)
        store.save(ONE, winner)
        store.save(ONE, winner)
        with pytest.raises(Conflict):
            store.save(ONE, ONE.disabled("gone", at=NOW))
        assert store.get("ada", "wh_1") == winner

    def test_what_is_deleted_stays_so(self, store: EndpointStore) -> None:
        store.create(ONE)
        store.delete("ada", "wh_1")
        store.delete("ada", "wh_1")
        with pytest.raises(Conflict):
            store.save(ONE, ONE.disabled("gone", at=NOW))
        assert list(store.list("ada")) == []
