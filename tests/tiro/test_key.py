"""Keys: what one looks like, and that only its hash is worth storing."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.factories import NOW
from tiro.errors import KeyRefused
from tiro.key import BEARER, KEY_PATTERN, ApiKey, Scope, hash_key, new_key, parse_scopes


def test_a_key_is_its_prefix_and_the_entropy() -> None:
    key = new_key(bytes([0xFB, 0xFF]) * 16)
    assert key == "tiro_-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8"
    assert re.fullmatch(KEY_PATTERN, key)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_is_never_made_of_less_than_it_says(length: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        new_key(bytes(length))


def test_the_hash_is_of_the_whole_string() -> None:
    key = new_key(bytes(32))
    assert hash_key(key) == hashlib.sha256(key.encode()).hexdigest()


@pytest.mark.parametrize("text", ["", "tiro_", "A" * 48, f"{new_key(bytes(32))}\n", f"{new_key(bytes(32))}A", "tiro_é"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused):
        hash_key(text)


def test_a_bearer_header_carries_a_key() -> None:
    key = new_key(bytes(32))
    found = BEARER.fullmatch(f"Bearer {key}")
    assert found
    assert found[1] == key
    assert not BEARER.fullmatch(key)
    assert not BEARER.fullmatch(f"Basic {key}")


@pytest.mark.parametrize(
    ("said", "scopes"),
    [
        ("read transcribe", {Scope.READ, Scope.TRANSCRIBE}),
        ("openid  read\temail", {Scope.READ}),
        (["webhooks", "admin"], {Scope.WEBHOOKS}),
        ("", set()),
        ("READ readx", set()),
    ],
)
def test_scopes_among_others(said: str | list[str], scopes: set[Scope]) -> None:
    assert parse_scopes(said) == scopes


def test_a_key_is_kept_the_same_however_its_scopes_are_ordered() -> None:
    one, other = (
        ApiKey(id="key_1", owner="ada", scopes=frozenset(scopes), created_at=NOW)
        for scopes in (list(Scope), list(reversed(Scope)))
    )
    assert one.model_dump_json() == other.model_dump_json()
    assert ApiKey.model_validate_json(one.model_dump_json()) == one
    none = one.model_copy(update={"scopes": frozenset()})
    assert ApiKey.model_validate_json(none.model_dump_json()) == none
