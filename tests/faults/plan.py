"""What goes wrong, in which order: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.faults.proxy import CallFault

STEPS = (
    ("sqs", "ReceiveMessage"),
    ("dynamodb", "GetItem"),
    ("dynamodb", "TransactWriteItems"),
    ("s3", "GetObject"),
    ("s3", "PutObject"),
    ("dynamodb", "PutItem"),
    ("sqs", "ChangeMessageVisibility"),
    ("sqs", "DeleteMessage"),
)
"""Every kind of call that a worker makes on its way with a job."""

SERVICES = ("dynamodb", "s3", "sqs")


@dataclass(frozen=True)
class LaneFault:
    """What happens to a worker itself, while it holds a job."""

    kind: str
    action: str  # pause | clock | disk | kill | terminate
    value: float = 0.0  # seconds


@dataclass(frozen=True)
class WorldFault:
    """What happens to the world around all workers."""

    kind: str
    action: str  # duplicate_message | duplicate_event | old_message | early_message | lose_message | restart | cancel


Fault = CallFault | LaneFault | WorldFault


def make_plan(seed: int, size: int) -> Sequence[Fault]:
    """Return `size` faults or a few more: every kind at least once when there is room, shuffled by the seed."""
    dice = random.Random(seed)  # noqa: S311
    wheel = list(_wheel(dice))
    plan: list[Fault] = []
    while len(plan) < size:
        dice.shuffle(wheel)
        plan += wheel if size >= len(wheel) else wheel[:size]
        wheel = list(_wheel(dice))
    return plan[: max(size, 0)]


def _wheel(dice: random.Random) -> Iterator[Fault]:
    """Yield each kind of fault once."""
    for service, operation in STEPS:
        for action, kind in (("kill", "kill -9"), ("terminate", "SIGTERM")):
            for after in (False, True):
                where = "after" if after else "before"
                nth = dice.choice((1, 2)) if operation in ("GetItem", "TransactWriteItems") else 1
                yield CallFault(f"{kind} {where} a call", service, operation, action, after, nth)
        yield CallFault("answer lost", service, operation, "cut", after=True, nth=dice.choice((1, 2)))
    for service in SERVICES:
        yield CallFault(
            f"{service} throttles", service, "", "throttle", nth=dice.randint(1, 6), times=dice.choice((2, 8))
        )
        yield CallFault(f"{service} fails", service, "", "fail", nth=dice.randint(1, 6), times=dice.choice((1, 6)))
        yield CallFault(
            f"{service} cuts the line", service, "", "cut", nth=dice.randint(1, 6), times=dice.choice((1, 5))
        )
        yield CallFault(f"{service} is slow", service, "", "slow", nth=dice.randint(1, 4), times=2, seconds=3.0)
        yield CallFault(f"{service} is gone for a while", service, "", "cut", times=0, seconds=5.0)
    yield LaneFault("paused past the lease", "pause", 9.0)
    yield LaneFault("paused past the lease", "pause", dice.uniform(7.0, 12.0))
    yield LaneFault("the clock jumps ahead", "clock", 30.0)
    yield LaneFault("the clock jumps back", "clock", -30.0)
    yield LaneFault("disk full", "disk")
    for action in (
        "duplicate_message",
        "duplicate_event",
        "old_message",
        "early_message",
        "cancel",
        "duplicate_message",
    ):
        yield WorldFault(action.replace("_", " "), action)


def rare(seed: int, *, restarts: int, losses: int) -> Sequence[WorldFault]:
    """Return what is too costly to happen often."""
    faults = [WorldFault("emulator stopped and started", "restart")] * restarts
    faults += [WorldFault("message lost", "lose_message")] * losses
    random.Random(seed).shuffle(faults)  # noqa: S311
    return faults
