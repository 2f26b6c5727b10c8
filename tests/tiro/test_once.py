"""A call with a key is done once, whatever happens between two of its comings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeClock
from tests.fakes_calls import FakeCallStore
from tests.house import House
from tiro import service
from tiro.call import KEPT, LONGEST_CALL, Answer, fingerprint, name_of, parse_key
from tiro.errors import (
    CallInProgress,
    Conflict,
    IdempotencyKeyReused,
    InvalidRequest,
    QuotaExceeded,
    ServiceUnavailable,
    TiroError,
)
from tiro.job import JobStatus

ASKED = fingerprint("POST", "/v1/transcriptions", "{}")


class Caller:
    """Makes the call, again and again."""

    def __init__(self) -> None:
        self.clock, self.calls = FakeClock(), FakeCallStore()
        self.made: list[str] = []  # or tried to
        self.found: dict[str, Answer] = {}  # what is there of what was made
        self.fails: list[Exception] = []

    def call(self, name: str = "key", asked: str = ASKED) -> tuple[Answer, bool]:
        return service.once(name, asked, self._make, self.found.get, calls=self.calls, clock=self.clock)

    def _make(self, made_id: str) -> Answer:
        self.made.append(made_id)
        if self.fails:
            raise self.fails.pop(0)
        return Answer(status=202, headers={"Location": f"/{made_id}"}, body=made_id)


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_the_first_answer_is_given_for_a_day(caller: Caller) -> None:
    first, replayed = caller.call()
    assert not replayed
    caller.clock.advance(KEPT.total_seconds() - 1)
    assert caller.call() == (first, True)
    assert len(caller.made) == 1
    caller.clock.advance(1)
    again, replayed = caller.call()
    assert not replayed
    assert again != first


def test_another_call_needs_another_key(caller: Caller) -> None:
    caller.call()
    for other in (fingerprint("POST", "/v1/transcriptions", '{"a": 1}'), fingerprint("POST", "/v1/batches", "{}")):
        with pytest.raises(IdempotencyKeyReused):
            caller.call(asked=other)
    caller.call(name="another key")
    assert len(caller.made) == 2


def test_the_second_of_two_at_once_is_told_to_come_again(caller: Caller) -> None:
    refused: list[TiroError] = []

    def make(made_id: str) -> Answer:
        with pytest.raises(CallInProgress) as caught:
            caller.call()
        refused.append(caught.value)
        return Answer(status=202, headers={}, body=made_id)

    first, _ = service.once("key", ASKED, make, caller.found.get, calls=caller.calls, clock=caller.clock)
    assert refused
    assert caller.call() == (first, True)
    assert not caller.made


def test_who_died_is_replaced_when_the_time_is_over_and_makes_the_same_thing(caller: Caller) -> None:
    caller.fails = [KeyboardInterrupt()]  # type: ignore[list-item]  # no Exception: nothing is tidied up
    with pytest.raises(KeyboardInterrupt):
        caller.call()
    with pytest.raises(CallInProgress):
        caller.call()
    caller.clock.advance(LONGEST_CALL.total_seconds())
    caller.call()
    assert caller.made[0] == caller.made[1]


@pytest.mark.parametrize("error", [ServiceUnavailable(), RuntimeError(), Conflict()])
def test_after_a_failure_the_same_call_goes_on_at_once_with_the_same_id(caller: Caller, error: Exception) -> None:
    caller.fails = [error]
    with pytest.raises(type(error)):
        caller.call()
    with pytest.raises(IdempotencyKeyReused):
        caller.call(asked="other")
    caller.call()
    assert caller.made[0] == caller.made[1]


@pytest.mark.parametrize("error", [InvalidRequest(), QuotaExceeded()])
def test_what_is_refused_leaves_the_key_as_good_as_new(caller: Caller, error: Exception) -> None:
    caller.fails = [error]
    with pytest.raises(type(error)):
        caller.call()
    assert not caller.calls.calls
    caller.call(asked="mended")


@pytest.mark.parametrize("error", [InvalidRequest(), QuotaExceeded()])
def test_what_refuses_a_later_attempt_leaves_the_key_to_what_the_first_may_have_made(
    caller: Caller, error: Exception
) -> None:
    caller.fails = [ServiceUnavailable(), error]
    for kind in (ServiceUnavailable, type(error)):
        with pytest.raises(kind):
            caller.call()
    with pytest.raises(IdempotencyKeyReused):
        caller.call(asked="other")
    caller.call()
    assert len(caller.made) == 3
    assert len(set(caller.made)) == 1


def test_what_an_attempt_made_before_it_died_is_answered_and_not_made_again(caller: Caller) -> None:
    caller.fails = [ServiceUnavailable()]
    with pytest.raises(ServiceUnavailable):
        caller.call()
    caller.found = {made: Answer(status=202, headers={}, body="found") for made in caller.made}
    caller.fails = [QuotaExceeded()]
    for replayed in (False, True):
        assert caller.call() == (caller.found[caller.made[0]], replayed)
    assert len(caller.made) == 1


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (' "a b" ', "a b"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('"' + "x" * 255 + '"', "x" * 255),
    ],
)
def test_a_key_may_have_quotes(header: str, key: str) -> None:
    assert parse_key(header) == key


@pytest.mark.parametrize("header", ["", '""', '"', '"a', 'a"', '"é"', "ä", "x" * 256, '"a\\b"', "a\x00b", '"a";p=1'])
def test_a_key_that_is_none_is_told_so(header: str) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        parse_key(header)


def test_what_is_asked_is_the_same_however_it_is_written() -> None:
    assert fingerprint("POST", "/x", '{"a": 1, "b": 2}') == fingerprint("POST", "/x", b'{"b":2,\n"a":1}')
    different = [
        ("POST", "/x", "{}"),
        ("POST", "/y", "{}"),
        ("PUT", "/x", "{}"),
        ("POST", "/x", "{"),
        ("POST", "/x", None),
    ]
    assert len({fingerprint(*asked) for asked in different}) == 5


@given(st.text())
def test_any_body_has_a_fingerprint(body: str) -> None:
    assert fingerprint("POST", "/x", body) == fingerprint("POST", "/x", body)


def test_an_owner_meets_nobody_else_s_keys() -> None:
    assert len({name_of("ada", "k"), name_of("bob", "k"), name_of("ada", "l")}) == 3


def test_an_upload_is_opened_anew_while_it_is_awaited_and_no_longer() -> None:
    house = House()
    ports = {"media": house.media, "parts": house.parts, "clock": house.clock, "settings": house.settings}
    job, _ = house.submit('{"source": {"upload": {"size": 5}}}')
    house.clock.advance(2 * 3600 - 60)
    upload = service.reopen(job, **ports)  # type: ignore[arg-type]
    assert upload
    assert upload.expires_at - house.clock.now() == timedelta(seconds=60), "no longer than the job waits"
    large, _ = house.submit('{"source": {"upload": {"size": 200000000}}}')
    parts = service.reopen(large, **ports)  # type: ignore[arg-type]
    assert parts
    assert parts.multipart
    queued = house.arrived(house.put(f"uploads/ada/{job.id}"))
    assert queued
    assert queued.status is JobStatus.QUEUED
    assert service.reopen(queued, **ports) is None  # type: ignore[arg-type]
