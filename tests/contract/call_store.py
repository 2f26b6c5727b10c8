"""What a CallStore and a WaitingRoom promise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.factories import NOW
from tiro.call import LONGEST_CALL, Answer, Call
from tiro.ports import CallStore, WaitingRoom

CALL = Call(fingerprint="f", makes="01a", begun_at=NOW, held_until=NOW + LONGEST_CALL)
OpenRoom = Callable[[int, int], WaitingRoom]
"""Makes a room of so many seats, of which an owner has so many."""

ANSWER = Answer(status=202, headers={"Location": "/v1/x", "Content-Type": "application/json"}, body='{"é": "\\u0000"}')


class CallStoreContract:
    @pytest.fixture
    def store(self) -> CallStore:
        raise NotImplementedError

    def test_a_call_comes_back_as_it_went_in(self, store: CallStore) -> None:
        assert store.get("a") is None
        assert store.save("a", None, CALL)
        assert store.get("a") == CALL
        answered = CALL.answered(ANSWER)
        assert store.save("a", CALL, answered)
        assert store.get("a") == answered
        assert store.get("b") is None

    def test_of_two_at_once_one_wins(self, store: CallStore) -> None:
        assert store.save("a", None, CALL)
        assert not store.save("a", None, CALL.model_copy(update={"makes": "01b"}))
        first = CALL.held(until=NOW + timedelta(minutes=5))
        assert store.save("a", CALL, first)
        assert not store.save("a", CALL, CALL.answered(ANSWER))
        assert store.get("a") == first

    def test_the_same_again_is_done_already(self, store: CallStore) -> None:
        """The answer to the first may have been lost."""
        for _ in range(2):
            assert store.save("a", None, CALL)
        for _ in range(2):
            assert store.save("a", CALL, CALL.answered(ANSWER))

    def test_only_what_is_stored_is_forgotten(self, store: CallStore) -> None:
        store.save("a", None, CALL)
        answered = CALL.answered(ANSWER)
        store.save("a", CALL, answered)
        store.forget("a", CALL)
        assert store.get("a") == answered
        store.forget("a", answered)
        store.forget("a", answered)
        assert store.get("a") is None


class WaitingRoomContract:
    @pytest.fixture
    def open_room(self) -> OpenRoom:
        raise NotImplementedError

    @pytest.fixture
    def room(self, open_room: OpenRoom) -> WaitingRoom:
        """A room of two seats, both of which one owner may have."""
        return open_room(2, 2)

    def test_there_are_no_more_than_its_seats(self, room: WaitingRoom) -> None:
        until = NOW + timedelta(seconds=20)
        taken = [room.enter("ada", now=NOW, until=until) for _ in range(3)]
        assert sorted(seat for seat in taken if seat is not None) == [0, 1]
        assert taken[2] is None
        room.leave(1, until=until)
        assert room.enter("ada", now=NOW, until=until) == 1

    def test_a_seat_whose_time_is_over_is_free(self, room: WaitingRoom) -> None:
        until = NOW + timedelta(seconds=20)
        for _ in range(2):
            room.enter("ada", now=NOW, until=until)
        assert room.enter("ada", now=until - timedelta(microseconds=1), until=until) is None
        assert room.enter("ada", now=until, until=until + timedelta(seconds=20)) is not None

    def test_who_stayed_too_long_takes_nobody_s_seat_away(self, room: WaitingRoom) -> None:
        until, later = NOW + timedelta(seconds=20), NOW + timedelta(seconds=40)
        for now, end in ((NOW, until), (NOW, until), (until, later), (until, later)):
            assert room.enter("ada", now=now, until=end) is not None
        for seat in (0, 1):
            room.leave(seat, until=until)
        assert room.enter("ada", now=until, until=later) is None

    def test_one_owner_leaves_room_for_others(self, open_room: OpenRoom) -> None:
        room, until = open_room(8, 2), NOW + timedelta(seconds=20)
        taken = {room.enter("ada", now=NOW, until=until) for _ in range(20)} - {None}
        assert len(taken) == 2
        assert room.enter("bob", now=NOW, until=until) not in (None, *taken)
        seat = taken.pop()
        assert seat is not None
        room.leave(seat, until=until)
        assert any(room.enter("ada", now=NOW, until=until) is not None for _ in range(20))
