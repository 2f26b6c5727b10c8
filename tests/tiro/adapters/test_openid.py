"""Tokens, good and forged, against an issuer over real HTTP."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes import FakeClock
from tests.tiro.adapters.issuer import AUDIENCE, EC_KEY, RSA_KEY, STRANGER, Issuer, jwk, serve_issuer
from tiro.adapters.openid import TokenIssuer
from tiro.errors import KeyRefused, ServiceUnavailable
from tiro.key import Caller, Scope
from tiro.settings import AuthorizerSettings


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serve_issuer() as issuer:
        yield issuer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def door(issuer: Issuer, clock: FakeClock) -> TokenIssuer:
    return TokenIssuer(AuthorizerSettings(table="t", issuer=issuer.url, audience=AUDIENCE), clock)


def b64(text: str | bytes) -> str:
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode().rstrip("=")


def unsigned(issuer: Issuer, header: dict[str, str], signature: str = "") -> str:
    return f"{b64(json.dumps(header))}.{b64(json.dumps(issuer.claims()))}.{signature}"


def signed_with_the_public_key(issuer: Issuer) -> str:
    """RS256's public key as HS256's secret: the best-known of all forgeries."""
    import hashlib
    import hmac

    secret = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = unsigned(issuer, {"alg": "HS256", "typ": "JWT", "kid": "rsa"}).rstrip(".")
    return f"{body}.{b64(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


def with_other_claims(issuer: Issuer) -> str:
    header, _, signature = issuer.token().split(".")
    return f"{header}.{b64(json.dumps(issuer.claims(sub='bob')))}.{signature}"


GOOD: dict[str, Callable[[Issuer], str]] = {
    "RS256": lambda i: i.token(),
    "ES256": lambda i: i.token(key=EC_KEY, alg="ES256", kid="ec"),
    "for several audiences": lambda i: i.token(aud=["other", AUDIENCE]),
    "expired within the skew": lambda i: i.token(exp=int(time.time()) - 30),
    "from a clock ahead": lambda i: i.token(nbf=int(time.time()) + 30, iat=int(time.time()) + 30),
    "scopes as a list": lambda i: i.token(scope=["read", "email"]),
}

BAD: dict[str, Callable[[Issuer], str]] = {
    "expired": lambda i: i.token(exp=int(time.time()) - 90),
    "not yet good": lambda i: i.token(nbf=int(time.time()) + 90),
    "without an end": lambda i: i.token(exp=None),
    "another audience": lambda i: i.token(aud="other"),
    "no audience": lambda i: i.token(aud=None),
    "another issuer": lambda i: i.token(iss="https://elsewhere.test"),
    "no issuer": lambda i: i.token(iss=None),
    "a stranger's signature": lambda i: i.token(key=STRANGER),
    "a key that is not published": lambda i: i.token(key=STRANGER, kid="mine"),
    "no key named": lambda i: i.token(kid=None),
    "a path for a key's name": lambda i: i.token(key=STRANGER, kid="../../../dev/null"),
    "none": lambda i: unsigned(i, {"alg": "none", "kid": "rsa"}),
    "nOnE": lambda i: unsigned(i, {"alg": "nOnE", "kid": "rsa"}),
    "RS256 without a signature": lambda i: unsigned(i, {"alg": "RS256", "kid": "rsa"}),
    "HS256 with the public key": signed_with_the_public_key,
    "other claims under a good signature": with_other_claims,
    "RS384": lambda i: i.token(alg="RS384"),
    "RS256 with the key for ES256": lambda i: i.token(kid="ec"),
    "an owner that cannot be": lambda i: i.token(sub="Ada Lovelace"),
    "an owner that is a path": lambda i: i.token(sub="ada/../bob"),
    "no owner": lambda i: i.token(sub=None),
    "three dots": lambda i: "...",
    "not base64": lambda i: "é.é.é",
    "no object": lambda i: f"{b64('[]')}.{b64('[]')}.",
    "its own key inside": lambda i: jwt.encode(
        i.claims(), STRANGER, algorithm="RS256", headers={"kid": "x", "jwk": jwk("x", STRANGER)}
    ),
    "its own key elsewhere": lambda i: jwt.encode(
        i.claims(), STRANGER, algorithm="RS256", headers={"kid": "x", "jku": "http://127.0.0.1:1/keys"}
    ),
}


@pytest.mark.parametrize("token", GOOD)
def test_a_good_token_opens_for_its_owner(door: TokenIssuer, issuer: Issuer, token: str) -> None:
    assert door.admit(GOOD[token](issuer)) == Caller("ada", frozenset({Scope.READ}), "token")


@pytest.mark.parametrize("token", BAD)
def test_any_other_token_is_refused(door: TokenIssuer, issuer: Issuer, token: str) -> None:
    with pytest.raises(KeyRefused):
        door.admit(BAD[token](issuer))


@pytest.mark.parametrize("scope", [None, "", "openid email", 7, {"read": True}])
def test_a_token_opens_only_what_it_says(door: TokenIssuer, issuer: Issuer, scope: object) -> None:
    assert door.admit(issuer.token(scope=scope)).scopes == frozenset()


def test_other_claims_may_be_the_ones_that_count(issuer: Issuer, clock: FakeClock) -> None:
    terms = AuthorizerSettings(
        table="t", issuer=issuer.url, audience=AUDIENCE, owner_claim="team", scope_claim="permissions"
    )
    caller = TokenIssuer(terms, clock).admit(issuer.token(team="newsroom", permissions=["webhooks"]))
    assert caller == Caller("newsroom", frozenset({Scope.WEBHOOKS}), "token")


class TestKeys:
    def test_they_are_fetched_once(self, door: TokenIssuer, issuer: Issuer) -> None:
        for _ in range(3):
            door.admit(issuer.token())
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]

    def test_a_new_one_is_found_at_most_a_minute_later(
        self, door: TokenIssuer, issuer: Issuer, clock: FakeClock
    ) -> None:
        door.admit(issuer.token())
        issuer.keys = [jwk("new", STRANGER)]
        rotated = issuer.token(key=STRANGER, kid="new")
        clock.advance(59)
        with pytest.raises(KeyRefused):
            door.admit(rotated)
        clock.advance(1)
        assert door.admit(rotated).owner == "ada"

    def test_unknown_ones_cannot_make_us_ask_more_than_once_a_minute(
        self, door: TokenIssuer, issuer: Issuer, clock: FakeClock
    ) -> None:
        for number in range(50):
            with pytest.raises(KeyRefused):
                door.admit(issuer.token(key=STRANGER, kid=str(number)))
        assert len(issuer.asked) == 2
        assert door.admit(issuer.token()).owner == "ada"

    def test_a_withdrawn_one_opens_for_an_hour_more_and_no_longer(
        self, door: TokenIssuer, issuer: Issuer, clock: FakeClock
    ) -> None:
        door.admit(issuer.token())
        issuer.keys = [jwk("ec", EC_KEY)]
        clock.advance(3599)
        door.admit(issuer.token())
        clock.advance(1)
        with pytest.raises(KeyRefused):
            door.admit(issuer.token())

    def test_an_issuer_that_is_down_is_asked_once_a_minute(
        self, door: TokenIssuer, issuer: Issuer, clock: FakeClock
    ) -> None:
        issuer.down = True
        for _ in range(3):
            with pytest.raises(ServiceUnavailable):
                door.admit(issuer.token())
        assert len(issuer.asked) == 1
        issuer.down = False
        clock.advance(60)
        assert door.admit(issuer.token()).owner == "ada"

    def test_what_is_not_for_signing_is_passed_over(self, door: TokenIssuer, issuer: Issuer) -> None:
        issuer.keys = [
            jwk("rsa", RSA_KEY, use="enc"),
            {"kty": "oct", "kid": "rsa", "k": "c2VjcmV0"},
            jwk("rsa", RSA_KEY, alg="RS512"),
        ]
        with pytest.raises(KeyRefused):
            door.admit(issuer.token())

    @pytest.mark.parametrize(
        "says",
        [
            {"issuer": "https://elsewhere.test"},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": None},
            {"jwks_uri": "http://127.0.0.1:1/keys"},
        ],
    )
    def test_an_issuer_that_describes_itself_wrongly_is_not_believed(
        self, door: TokenIssuer, issuer: Issuer, says: dict[str, str]
    ) -> None:
        issuer.says = says
        with pytest.raises(ServiceUnavailable):
            door.admit(issuer.token())

    @pytest.mark.parametrize("keys", [[7], [{"kid": "rsa", "kty": "RSA"}], ["x"]])
    def test_keys_that_are_none(self, door: TokenIssuer, issuer: Issuer, keys: list[object]) -> None:
        issuer.keys = keys  # type: ignore[assignment]  # what the wire may bring
        with pytest.raises(ServiceUnavailable):
            door.admit(issuer.token())
