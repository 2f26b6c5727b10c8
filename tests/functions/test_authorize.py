"""The door's keeper, asked as API Gateway asks it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions import authorize, wiring
from tests.functions.conftest import Stack
from tests.tiro.adapters.issuer import AUDIENCE, STRANGER, Issuer, serve_issuer
from tiro.key import ALL_SCOPES, ApiKey, Scope, hash_key, new_key

KEY = new_key(bytes(32))
ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/GET/v1/transcriptions/x"
NOW = datetime.now(UTC)


def ask(header: str, *, name: str = "Authorization") -> dict[str, Any]:
    return authorize.handler({"methodArn": ARN, "headers": {name: header}}, None)


def give(scopes: frozenset[Scope] = ALL_SCOPES, expires_at: datetime | None = None) -> None:
    known = ApiKey(id="key_1", owner="ada", scopes=scopes, created_at=NOW, expires_at=expires_at)
    wiring.keys().add(hash_key(KEY), known)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_key_opens_the_whole_api_for_its_owner(stack: Stack, name: str) -> None:
    give()
    answer = ask(f"Bearer {KEY}", name=name)
    assert answer["context"] == {"owner": "ada", "scopes": "read transcribe webhooks", "key_id": "key_1"}
    [statement] = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/*"


def test_a_key_brings_its_scopes_and_no_more(stack: Stack) -> None:
    give(frozenset({Scope.READ}))
    assert ask(f"Bearer {KEY}")["context"]["scopes"] == "read"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", f"Bearer {new_key(bytes([1]) * 32)}", KEY, f"Basic {KEY}", f"Bearer {KEY}x", "Bearer *"],
)
def test_anything_else_is_unauthorized(stack: Stack, header: str) -> None:
    give()
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(header)


def test_no_headers_at_all(stack: Stack) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize.handler({"methodArn": ARN, "headers": None}, None)


def test_a_key_that_expired_is_unauthorized(stack: Stack) -> None:
    give(expires_at=NOW - timedelta(seconds=1))
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(f"Bearer {KEY}")


def test_a_revoked_key_is_unauthorized(stack: Stack) -> None:
    give(expires_at=NOW + timedelta(hours=1))
    assert ask(f"Bearer {KEY}")
    wiring.keys().revoke("key_1", at=NOW)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(f"Bearer {KEY}")


def test_its_use_is_noted(stack: Stack) -> None:
    give()
    ask(f"Bearer {KEY}")
    known = wiring.keys().find(hash_key(KEY))
    assert known
    assert known.last_used_at


class TestTokens:
    @pytest.fixture
    def issuer(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
        with serve_issuer() as issuer:
            monkeypatch.setenv("TIRO_ISSUER", issuer.url)
            monkeypatch.setenv("TIRO_AUDIENCE", AUDIENCE)
            yield issuer

    def test_a_token_opens_beside_the_keys(self, issuer: Issuer) -> None:
        give()
        assert ask(f"Bearer {issuer.token()}")["context"] == {"owner": "ada", "scopes": "read", "key_id": "token"}
        assert ask(f"Bearer {KEY}")["context"]["key_id"] == "key_1"

    def test_a_forged_one_is_unauthorized(self, issuer: Issuer) -> None:
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            ask(f"Bearer {issuer.token(key=STRANGER)}")

    def test_an_issuer_that_is_down_is_no_refusal(self, issuer: Issuer) -> None:
        issuer.down = True
        with pytest.raises(Exception, match="did not answer"):  # which the gateway tells as a 500, worth a retry
            ask(f"Bearer {issuer.token()}")

    def test_without_an_issuer_no_token_opens(self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TIRO_ISSUER")
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            ask(f"Bearer {issuer.token()}")
        assert not issuer.asked
