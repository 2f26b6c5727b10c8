"""The machine's clock and dice."""

from __future__ import annotations

from datetime import timedelta

from tiro.adapters.system import SystemClock


def test_the_time_is_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_entropy_is_never_twice_the_same() -> None:
    drawn = {SystemClock().entropy() for _ in range(100)}
    assert len(drawn) == 100
    assert {len(piece) for piece in drawn} == {16}
