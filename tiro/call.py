"""A call that its caller may repeat: an `Idempotency-Key` says that it is the same one, and it gets the same answer.

draft-ietf-httpapi-idempotency-key-header-07. The id of what the call makes is chosen before anything is made and kept
here: whoever goes on after a crash makes that very thing, and no second one.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from datetime import datetime, timedelta

from tiro.errors import FieldProblem, InvalidRequest
from tiro.stored import StoredModel as _Model

KEPT = timedelta(hours=24)
"""How long a call is remembered, from its first attempt on; docs/api/jobs.md publishes it."""

LONGEST_CALL = timedelta(seconds=60)
"""After that an attempt is dead: API Gateway waits for 29 s, and the function runs no longer either."""

_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"|([!#-\[\]-~][ !#-\[\]-~]{0,254})')
"""A string of RFC 9651, section 3.3.3, or, as many clients send it, the same without its quotes."""


class Answer(_Model):
    """An HTTP answer, as it was given."""

    status: int
    headers: dict[str, str]
    body: str


class Call(_Model):
    """What is known of a call with a key."""

    fingerprint: str  # of what it asks
    makes: str  # the id of what it makes
    begun_at: datetime
    held_until: datetime  # somebody is at it
    revision: int = 1  # +1 with every stored change: the optimistic lock
    answer: Answer | None = None

    @property
    def expires_at(self) -> datetime:
        return self.begun_at + KEPT

    def held(self, *, until: datetime) -> Call:
        return self._with(held_until=until)

    def answered(self, answer: Answer) -> Call:
        return self._with(answer=answer)

    def _with(self, **changes: object) -> Call:
        return self.model_copy(update={"revision": self.revision + 1, **changes})


def parse_key(header: str) -> str:
    """Return the key of an `Idempotency-Key` header. Raises InvalidRequest."""
    match = _KEY.fullmatch(header.strip())
    if match is None:
        detail = 'send 1 to 255 printable ASCII characters, such as "8e03978e-40d5-43dd-bc93-6894a57f9324"'
        pointer = "/Idempotency-Key"
        raise InvalidRequest(f"{pointer}: {detail}", errors=(FieldProblem(pointer=pointer, detail=detail),))
    return re.sub(r"\\(.)", r"\1", match[1]) if match[1] else match[2]


def fingerprint(method: str, path: str, body: str | bytes | None) -> str:
    """Name what a call asks: the same JSON is the same, however it is written."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    with suppress(ValueError, RecursionError):  # what is no JSON is the same when it is the same text
        text = json.dumps(json.loads(text), sort_keys=True)
    return hashlib.sha256(f"{method}\0{path}\0{text}".encode(errors="surrogatepass")).hexdigest()


def name_of(owner: str, key: str) -> str:
    """Name a call of an owner's: nobody meets another owner's keys."""
    return hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()
