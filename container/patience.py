"""Waits for AWS where giving up would cost what is heard already."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tiro.errors import TransientError

T = TypeVar("T")

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between one try and the next. The SDK's own tries, four of them, are over within half a second; together
with these an outage of a quarter of a minute is outlasted, well inside a lease and a Spot notice."""


def patiently(do: Callable[[], T]) -> T:
    """Do what may be done again. Raises what it raises, and a TransientError only when every try met one."""
    for pause in PAUSES:
        try:
            return do()
        except TransientError:
            time.sleep(pause)
    return do()
