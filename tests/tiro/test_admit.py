"""Who is let in by a key, and how seldom that is written down."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.factories import NOW
from tests.fakes import FakeClock
from tests.fakes_keys import FakeKeyStore
from tiro.errors import KeyRefused, ServiceUnavailable
from tiro.key import ApiKey, Caller, Scope, hash_key, new_key
from tiro.service import admit

KEY = new_key(bytes(32))
KNOWN = ApiKey(id="key_1", owner="ada", scopes=frozenset({Scope.READ}), created_at=NOW)


@pytest.fixture
def keys() -> FakeKeyStore:
    return FakeKeyStore()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_key_is_its_owners(keys: FakeKeyStore, clock: FakeClock) -> None:
    keys.add(hash_key(KEY), KNOWN)
    assert admit(KEY, keys=keys, clock=clock) == Caller("ada", frozenset({Scope.READ}), "key_1")


def test_use_is_noted_once_an_hour(keys: FakeKeyStore, clock: FakeClock) -> None:
    keys.add(hash_key(KEY), KNOWN)
    for _ in range(4):
        for _ in range(5):
            admit(KEY, keys=keys, clock=clock)
        clock.advance(30 * 60)
    assert keys.uses == 2
    assert keys.keys[hash_key(KEY)].last_used_at == clock.now() - timedelta(hours=1)


def test_a_note_that_fails_keeps_nobody_out(
    keys: FakeKeyStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(key_hash: str, *, at: datetime) -> None:
        raise ServiceUnavailable

    keys.add(hash_key(KEY), KNOWN)
    monkeypatch.setattr(keys, "note_use", throttled)
    assert admit(KEY, keys=keys, clock=clock).owner == "ada"


@pytest.mark.parametrize("seconds", [0, 1])
def test_an_expired_key_is_refused_from_the_very_second(seconds: int, keys: FakeKeyStore, clock: FakeClock) -> None:
    keys.add(hash_key(KEY), KNOWN.model_copy(update={"expires_at": clock.now() + timedelta(seconds=10)}))
    clock.advance(9.9)
    assert admit(KEY, keys=keys, clock=clock)
    clock.advance(0.1 + seconds)
    with pytest.raises(KeyRefused):
        admit(KEY, keys=keys, clock=clock)


def test_a_revoked_or_unknown_key_is_refused_in_the_same_words(keys: FakeKeyStore, clock: FakeClock) -> None:
    with pytest.raises(KeyRefused) as unknown:
        admit(KEY, keys=keys, clock=clock)
    keys.add(hash_key(KEY), KNOWN)
    keys.revoke("key_1", at=clock.now())
    with pytest.raises(KeyRefused) as revoked:
        admit(KEY, keys=keys, clock=clock)
    assert str(unknown.value) == str(revoked.value)
