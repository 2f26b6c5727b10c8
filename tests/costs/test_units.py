"""The counting itself, against the examples of DynamoDB's guide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.costs.units import size_of, to_index, to_read, to_write


def item(size: int, **more: str) -> Any:
    given = {"pk": {"S": "p"}, "sk": {"S": "s"}, **{name: {"S": value} for name, value in more.items()}}
    return {**given, "d": {"S": "x" * (size - size_of(given) - 1)}}


def test_sizes() -> None:
    assert size_of({"pk": {"S": "é"}, "n": {"N": "-12.5"}, "b": {"B": b"123"}}) == 4 + (1 + 3) + 4


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2), (8192, 2)])
def test_reads(size: int, units: int) -> None:
    assert to_read(size) == units
    assert to_read(size, consistent=False) == units / 2


def test_writes_are_of_the_larger_item() -> None:
    assert (to_write(None, item(1024)), to_write(item(3000), item(100)), to_write(item(1025), None)) == (1, 3, 2)


def test_an_index_costs_when_what_it_holds_changes() -> None:
    plain, due = item(500), item(500, due_shard="1", due_at="2")
    assert [to_index(None, plain), to_index(None, due), to_index(due, plain), to_index(due, due)] == [0, 1, 1, 0]
    assert to_index(due, item(500, due_shard="1", due_at="3")) == 2, "moved: one is deleted, one is put"
    listed, changed = (item(500, owner_month="a", job_id="1", summary=text) for text in ("old", "new"))
    assert to_index(listed, changed) == 1
