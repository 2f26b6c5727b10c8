"""What a KeyStore promises."""

from __future__ import annotations

import pytest

from tests.factories import NOW
from tiro.errors import Conflict
from tiro.ports import KeyStore

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class KeyStoreContract:
    @pytest.fixture
    def store(self) -> KeyStore:
        raise NotImplementedError

    def test_an_unknown_key_is_nobodys(self, store: KeyStore) -> None:
        assert store.owner_of(HASH) is None

    def test_a_key_is_its_owners(self, store: KeyStore) -> None:
        store.add(HASH, "ada", at=NOW)
        store.add(HASH[::-1], "bob", at=NOW)
        assert (store.owner_of(HASH), store.owner_of(HASH[::-1])) == ("ada", "bob")

    def test_a_key_stays_its_owners(self, store: KeyStore) -> None:
        store.add(HASH, "ada", at=NOW)
        store.add(HASH, "ada", at=NOW)
        with pytest.raises(Conflict):
            store.add(HASH, "bob", at=NOW)
        assert store.owner_of(HASH) == "ada"
