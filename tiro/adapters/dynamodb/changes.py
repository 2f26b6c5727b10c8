"""What goes with every change of a job, in the very write that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiro.adapters.dynamodb.batches import recount
from tiro.adapters.dynamodb.outbox import announce
from tiro.adapters.dynamodb.usage import count_usage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from tiro.adapters.dynamodb.table import Table
    from tiro.job import Job


def beside(table: Table, before: Job | None, after: Job) -> tuple[TransactWriteItemTypeDef, ...]:
    """Return the other writes of the transaction."""
    return (*recount(table, before, after), *count_usage(table, before, after), *announce(table, before, after))
