"""A call as a conversation that somebody else holds: it says what to do next and is told what came of it.

So each call is written down once, and neither knows nor cares whether whoever does it blocks or awaits: those stand
in tiro/client/transports.py. (httpx does the same with its `auth_flow`.)
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import httpx

from tiro.client.failures import PASSING, checked, retry_after_of
from tiro.errors import Problem, Unreachable

T = TypeVar("T")

ATTEMPTS = 5
"""How often a call that may be repeated is made in all."""

LONGEST_HINT_SECONDS = 60.0
"""A `Retry-After` beyond it is not waited for: the caller is told, who may have something better to do."""

CHUNK_BYTES = 256 * 1024

OnUpload: TypeAlias = Callable[[int, int], None]
"""Told how many bytes are sent, of how many. Goes back when something has to be sent again."""


@dataclass(frozen=True)
class Slice:
    """A piece of a file, as the body of a call: read anew each time it is sent."""

    path: Path
    size: int  # bytes
    start: int = 0
    told: Told = field(default_factory=lambda: Told())
    number: int = 0  # of the piece, for `told`

    def chunks(self) -> Iterator[bytes]:
        """Yield exactly `size` bytes, as was promised, or raise OSError."""
        done = 0
        with self.path.open("rb") as file:
            file.seek(self.start)
            while done < self.size:
                self.told.tell(self.number, done)
                chunk = file.read(min(CHUNK_BYTES, self.size - done))
                if not chunk:
                    raise OSError(f"{self.path} became shorter while it was read: {done:,} of {self.size:,} bytes.")
                done += len(chunk)
                yield chunk
        self.told.tell(self.number, done)


class Stopped(Exception):
    """Somebody pressed Ctrl-C while several things were done at once; it never leaves the client."""


@dataclass
class Told:
    """How much of a file is sent. Several threads tell it."""

    total: int = 0  # bytes
    on_upload: OnUpload | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    done: dict[int, int] = field(default_factory=dict)  # bytes of each piece
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, number: int, done: int) -> None:
        if self.stop.is_set():
            raise Stopped
        if self.on_upload:
            with self._lock:
                self.done[number] = done
                self.on_upload(sum(self.done.values()), self.total)


@dataclass(frozen=True)
class Send:
    """Make one HTTP call. A path is the API's and goes with the key; a whole address is another's, and has none."""

    method: str
    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    body: Slice | None = None
    once: bool = False  # it must not be made twice: it is repeated only where it surely was not heard


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Together:
    """Do several things, a few at once. The first that fails ends it."""

    flows: Sequence[Flow[Any]]
    at_once: int
    stop: threading.Event


@dataclass(frozen=True)
class NoAnswer:
    """What came of a call to which nobody answered."""

    where: str
    error: httpx.RequestError | httpx.InvalidURL

    @property
    def unheard(self) -> bool:
        """Whether it surely did nothing."""
        return isinstance(self.error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


Effect: TypeAlias = Send | Sleep | Together

Flow: TypeAlias = Generator[Effect, Any, T]
"""Yields what to do and is sent what came of it: an answer or NoAnswer of a Send, else nothing."""


def answer_to(call: Send) -> Flow[httpx.Response]:
    """Return a good answer; try again where that is safe and may help.

    Raises RequestFailed for any other answer, Unreachable without one.
    """
    answer = yield from raw_answer_to(call)
    return checked(answer)


def raw_answer_to(call: Send) -> Flow[httpx.Response]:
    """Return an answer, a good one or not. Raises Unreachable without one."""
    for attempt in range(1, ATTEMPTS + 1):
        answer: httpx.Response | NoAnswer = yield call
        hint = 0.0
        if isinstance(answer, NoAnswer):
            if attempt == ATTEMPTS or (call.once and not answer.unheard):
                break
        else:
            hint = retry_after_of(answer)
            if attempt == ATTEMPTS or hint > LONGEST_HINT_SECONDS or not _passes(call, answer):
                return answer
        yield Sleep(_pause(attempt, hint))
    if isinstance(answer, NoAnswer):
        why = answer.error or type(answer.error).__name__
        raise Unreachable(f"{answer.where} does not answer: {why}.") from None
    return answer


def _passes(call: Send, answer: httpx.Response) -> bool:
    if call.once:
        return answer.status_code == HTTPStatus.TOO_MANY_REQUESTS  # refused before anything was done
    return answer.status_code in PASSING or _in_progress(answer)


def _in_progress(answer: httpx.Response) -> bool:
    """Whether our own first attempt is still at work, whose answer we shall get if we ask again."""
    if answer.status_code != HTTPStatus.CONFLICT:
        return False
    try:
        return Problem.model_validate_json(answer.content).code == "call_in_progress"
    except ValueError:
        return False


def _pause(attempt: int, hint: float) -> float:
    """Return seconds: longer each time, never shorter than the hint, and not the same as everybody else's."""
    spread = random.uniform(0.5, 1.0)  # noqa: S311  (keeps callers apart, not secrets)
    return max(0.25 * 2.0**attempt * spread, hint * (0.75 + spread / 2))  # the hint, and up to a quarter more
