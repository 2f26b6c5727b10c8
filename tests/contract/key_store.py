"""What a KeyStore promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.factories import NOW
from tiro.errors import Conflict, KeyNotFound
from tiro.key import ApiKey, Scope
from tiro.ports import KeyStore

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OTHER_HASH = HASH[::-1]

ADA = ApiKey(id="key_ada", owner="ada", scopes={Scope.READ}, created_at=NOW, expires_at=NOW + timedelta(days=30))
BOB = ApiKey(id="key_bob", owner="bob", created_at=NOW - timedelta(days=1))
LATER = NOW + timedelta(minutes=5)


class KeyStoreContract:
    @pytest.fixture
    def store(self) -> KeyStore:
        raise NotImplementedError

    def test_an_unknown_key_is_nobodys(self, store: KeyStore) -> None:
        assert store.find(HASH) is None
        assert list(store.list()) == []

    def test_a_key_comes_back_as_it_was_added(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        store.add(OTHER_HASH, BOB)
        assert (store.find(HASH), store.find(OTHER_HASH)) == (ADA, BOB)

    def test_a_key_stays_its_owners(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        store.add(HASH, ADA)  # a lost answer makes us ask again
        for stolen in (ADA.model_copy(update={"owner": "bob"}), BOB):
            with pytest.raises(Conflict):
                store.add(HASH, stolen)
        assert store.find(HASH) == ADA

    def test_an_id_names_one_key(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        with pytest.raises(Conflict):
            store.add(OTHER_HASH, BOB.model_copy(update={"id": ADA.id}))
        assert store.find(OTHER_HASH) is None

    def test_keys_are_listed_oldest_first(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        store.add(OTHER_HASH, BOB)
        assert list(store.list()) == [BOB, ADA]
        assert list(store.list("ada")) == [ADA]
        assert list(store.list("nobody")) == []

    def test_a_use_is_noted_and_changes_nothing_else(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        store.note_use(HASH, at=LATER)
        assert store.find(HASH) == ADA.model_copy(update={"last_used_at": LATER})

    def test_a_use_of_an_unknown_key_makes_none(self, store: KeyStore) -> None:
        store.note_use(HASH, at=LATER)
        assert store.find(HASH) is None

    def test_a_revoked_key_stays_revoked(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        closed = ADA.model_copy(update={"revoked_at": LATER})
        assert store.revoke(ADA.id, at=LATER) == closed
        assert store.revoke(ADA.id, at=LATER + timedelta(days=1)) == closed
        store.note_use(HASH, at=LATER)
        found = store.find(HASH)
        assert found
        assert found.revoked_at == LATER

    def test_only_a_key_that_is_there_can_be_revoked(self, store: KeyStore) -> None:
        store.add(HASH, ADA)
        with pytest.raises(KeyNotFound):
            store.revoke("key_bob", at=LATER)
        assert store.find(HASH) == ADA
