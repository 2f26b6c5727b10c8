"""What a change of a job has to tell, written in the very transaction that changes it; the stream takes it on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tiro.adapters.dynamodb.table import UNSEEN, Table, document, item_key
from tiro.delivery import Event, event_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from tiro.adapters.dynamodb.table import Item
    from tiro.job import Job

PREFIX = "event#"
"""Of the sort key. infra/service.py lets only these through from the stream."""

KEPT = timedelta(days=7)
"""Longer than the stream, which forgets after a day: what could not be passed on by then can still be found."""


def announce(table: Table, before: Job | None, after: Job) -> list[TransactWriteItemTypeDef]:
    """Return the write that goes with a change of a job; none when it is nobody's news."""
    event = event_of(before, after)
    if event is None:
        return []
    item: Item = {
        **item_key(f"job#{after.id}", f"{PREFIX}{after.revision:010}"),
        "expires_at": {"N": str(math.ceil((event.at + KEPT).timestamp()))},
        "document": document(event),
    }
    return [table.a_put(item, UNSEEN)]


def read_event(item: Mapping[str, Any]) -> Event:
    """Read an item of the outbox, as the table or its stream has it."""
    return Event.model_validate_json(item["document"]["S"])
