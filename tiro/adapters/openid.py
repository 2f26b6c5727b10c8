"""Tokens of an OpenID Connect issuer: signed by keys that it publishes, which are fetched and remembered.

Signatures and claims are PyJWT's business; ours is which keys there are, and what of a token Tiro believes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

import jwt

from tiro.errors import KeyRefused, ServiceUnavailable
from tiro.key import Caller, parse_scopes
from tiro.ports import Clock
from tiro.request import OWNER_PATTERN
from tiro.settings import AuthorizerSettings

ALGORITHMS = ("RS256", "ES256")
"""Asymmetric ones alone: with HS256 allowed, an issuer's public key would be a secret to sign with."""

SKEW_SECONDS = 60
"""By how much two clocks may differ."""

KEYS_LIVE = timedelta(hours=1)
"""After so long the issuer's keys are fetched anew; those it withdrew open for no longer."""

FETCHED_AT_MOST_EVERY = timedelta(minutes=1)
"""A token that names an unknown key makes us ask again, and anybody can write such a token."""

FETCH_SECONDS = 3.0
MAX_FETCH_BYTES = 256 * 1024

Fetch = Callable[[str], Any]


class TokenIssuer:
    """Says whose a token is. One for an issuer; it remembers the issuer's keys."""

    def __init__(self, terms: AuthorizerSettings, clock: Clock, *, fetch: Fetch | None = None) -> None:
        self._terms = terms
        self._clock = clock
        self._fetch = fetch or fetch_json
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._asked_at: datetime | None = None  # the issuer, whether or not it answered
        self._fetched_at: datetime | None = None

    def admit(self, token: str) -> Caller:
        """Return who calls. Raises KeyRefused saying why, for our log; ServiceUnavailable without the issuer's keys."""
        claims = self._verify(token)
        owner = claims.get(self._terms.owner_claim)
        # Taken as it is or not at all: were names made to fit, two people's could come to be one.
        if not isinstance(owner, str) or not re.fullmatch(OWNER_PATTERN, owner):
            raise KeyRefused(f"The token's {self._terms.owner_claim} cannot be an owner's name.")
        scopes = claims.get(self._terms.scope_claim) or ""
        known = parse_scopes(scopes) if isinstance(scopes, (str, list)) else frozenset()
        return Caller(owner=owner, scopes=known, key_id="token")

    def _verify(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise KeyRefused("The token's algorithm is not one that is trusted.")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._key(header.get("kid")),  # carries its own algorithm, which the token's must be
                algorithms=list(ALGORITHMS),
                audience=self._terms.audience,
                issuer=self._terms.issuer,
                leeway=SKEW_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise KeyRefused(f"The token is not valid: {error}") from error
        return claims

    def _key(self, kid: object) -> jwt.PyJWK:
        if not isinstance(kid, str):
            raise KeyRefused("The token does not name its key.")
        now = self._clock.now()
        stale = self._fetched_at is None or now - self._fetched_at >= KEYS_LIVE
        may_ask = self._asked_at is None or now - self._asked_at >= FETCHED_AT_MOST_EVERY
        if (stale or kid not in self._keys) and may_ask:
            self._asked_at = now
            self._keys = _signing_keys(self._fetch, self._terms.issuer)
            self._fetched_at = now
        elif stale:
            raise ServiceUnavailable("The issuer's keys could not be fetched.")
        if kid not in self._keys:
            raise KeyRefused("The token names a key that its issuer does not publish.")
        return self._keys[kid]


def _signing_keys(fetch: Fetch, issuer: str) -> Mapping[str, jwt.PyJWK]:
    """Return the issuer's keys by their names (OpenID Connect Discovery 1.0, section 4). Raises ServiceUnavailable."""
    try:
        described = fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if described["issuer"] != issuer:
            raise ServiceUnavailable(f"{issuer} describes itself as {described['issuer']!r}.")
        address = str(described["jwks_uri"])
        if address.partition(":")[0] != issuer.partition(":")[0]:  # no file://, and no http:// of an https:// issuer
            raise ServiceUnavailable(f"{issuer} says that its keys are at {address!r}.")
        published = fetch(address)["keys"]
        return {jwk["kid"]: jwt.PyJWK(jwk, algorithm=algorithm) for jwk in published if (algorithm := _algorithm(jwk))}
    except (AttributeError, KeyError, TypeError, jwt.PyJWTError) as error:
        raise ServiceUnavailable(f"What {issuer} publishes cannot be read.") from error


def _algorithm(jwk: Mapping[str, Any]) -> str | None:
    """Return what a published key signs with; None for one that is not for us (RFC 7517, section 4)."""
    if jwk.get("use", "sig") != "sig" or "kid" not in jwk:
        return None
    guessed = {"RSA": "RS256", "EC": "ES256" if jwk.get("crv") == "P-256" else None}.get(jwk.get("kty", ""))
    named = jwk.get("alg", guessed)
    return named if named == guessed else None


def fetch_json(url: str) -> Any:
    """Raises ServiceUnavailable."""
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "tiro"})  # noqa: S310  (the issuer's)
    try:
        with urlopen(request, timeout=FETCH_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read(MAX_FETCH_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise ServiceUnavailable(f"{url} did not answer with JSON: {error}") from error
