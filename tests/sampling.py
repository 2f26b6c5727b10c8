"""The gate runs a sample of each exhaustive list of cases; `make full` runs all of it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest


def sampled(*lists: Iterable[Any], every: int, always: Iterable[Any] = ()) -> list[Any]:
    """Return the cases of one list, or every combination of several, of which the gate runs each `every`-th.

    A combination is a tuple. The gate also runs the cases of `always`.
    """
    kept = set(always)
    cases = list(lists[0]) if len(lists) == 1 else list(product(*lists))
    return [
        case if number % every == 0 or case in kept else pytest.param(*_values(case), marks=pytest.mark.full)
        for number, case in enumerate(cases)
    ]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
