"""DynamoDB's units, computed from items as its developer guide says ("DynamoDB read and write operations")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

PROJECTED = {"due": ("due_shard", "due_at", ()), "by_owner": ("owner_month", "job_id", ("summary",))}
"""Of each index: its two keys, and what it holds beside keys."""


def size_of(item: Item) -> int:
    """Return an item's bytes: UTF-8 names and values; a number takes a byte for two digits and one more."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: Mapping[str, Any]) -> int:
    [(kind, held)] = value.items()
    if kind == "S":
        return len(str(held).encode())
    if kind == "B":
        return len(held)
    if kind == "N":
        return math.ceil(len(str(held).strip("-").replace(".", "")) / 2) + 1
    raise ValueError(f"No item of ours holds a value of the kind {kind}.")


def to_read(size: int, *, consistent: bool = True) -> float:
    """Return the read units of so many bytes."""
    return max(1, math.ceil(size / 4096)) * (1.0 if consistent else 0.5)


def to_write(before: Item | None, after: Item | None) -> int:
    """Return the write units of an item's change: of the larger of the two, whole kilobytes."""
    return max(1, *(math.ceil(size_of(item) / 1024) for item in (before, after) if item), 1)


def to_index(before: Item | None, after: Item | None) -> int:
    """Return the write units of what a change means to the indexes; what they do not hold costs them nothing."""
    units = 0
    for shard, order, more in PROJECTED.values():
        was, now = (_projection(item, shard, order, more) for item in (before, after))
        if was == now:
            continue
        moved = was and now and any(was[name] != now[name] for name in (shard, order))
        units += sum(math.ceil(size_of(entry) / 1024) for entry in ((was, now) if moved else (now or was,)) if entry)
    return units


def _projection(item: Item | None, shard: str, order: str, more: tuple[str, ...]) -> Item | None:
    if item is None or shard not in item or order not in item:
        return None
    return {name: item[name] for name in ("pk", "sk", shard, order, *more) if name in item}
