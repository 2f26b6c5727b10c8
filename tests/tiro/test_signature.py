"""Our signature is the standard's: the reference library believes ours, and we believe the library's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tiro.errors import SignatureRefused
from tiro.signature import new_secret, secret_bytes, sign, verify

SECRET, OTHER = new_secret(bytes(range(32))), new_secret(bytes(range(1, 33)))
BODY = '{"type":"transcription.completed","said":"é 日本 🎤"}'.encode()


def now() -> datetime:
    return datetime.now(UTC)


def test_the_standard_s_own_example() -> None:
    """github.com/standard-webhooks/standard-webhooks, libraries/python/tests."""
    at = datetime.fromtimestamp(1614265330, UTC)
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signed = sign(body, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, secrets=[secret])
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(body=st.binary(max_size=300), key=st.binary(min_size=24, max_size=64))
def test_what_we_sign_we_verify(body: bytes, key: bytes) -> None:
    at = now()
    verify(body, sign(body, message_id="evt_1", at=at, secrets=[new_secret(key)]), secrets=[new_secret(key)], now=at)


def test_the_reference_library_believes_us_and_we_it() -> None:
    headers = sign(BODY, message_id="evt_1", at=now(), secrets=[SECRET, OTHER])
    for secret in (SECRET, OTHER):  # whichever the receiver has, while one is rotated
        Webhook(secret).verify(BODY, headers)
        verify(BODY, headers, secrets=[secret], now=now())
    at = now()
    theirs = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": "v1a,other v1,bad " + Webhook(SECRET).sign("msg_1", at, BODY.decode()),
    }
    verify(BODY, theirs, secrets=[SECRET], now=at)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "evt_2"},
        {"webhook-timestamp": str(int(now().timestamp()) - 1)},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "²"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": ""},
        {"webhook-id": ""},
    ],
)
def test_what_was_changed_on_the_way_is_refused(change: dict[str, str]) -> None:
    headers = sign(BODY, message_id="evt_1", at=now(), secrets=[SECRET])
    with pytest.raises(SignatureRefused):
        verify(BODY, headers | change, secrets=[SECRET], now=now())


def test_another_body_another_secret_and_another_time_are_refused() -> None:
    at = now()
    headers = sign(BODY, message_id="evt_1", at=at, secrets=[SECRET])
    for body, secret, when in (
        (BODY + b" ", SECRET, at),
        (BODY, OTHER, at),
        (BODY, SECRET, at + timedelta(seconds=302)),
        (BODY, SECRET, at - timedelta(seconds=302)),
    ):
        with pytest.raises(SignatureRefused):
            verify(body, headers, secrets=[secret], now=when)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_YWJj", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_é", new_secret(bytes(65))]
)
def test_what_is_no_secret_is_told_without_quoting_it(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 random bytes") as caught:
        secret_bytes(secret)
    assert not secret or secret not in str(caught.value).replace("whsec_ and", "")
