"""A list of an owner's jobs: what may be asked, what is told of each, and where a page ends.

A cursor only says where the list goes on. It grants nothing: whose jobs are listed, the caller's key says, every time.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tiro.errors import FieldProblem, InvalidRequest
from tiro.job import Job, JobStatus, is_id, new_id
from tiro.stored import StoredModel as _Model
from tiro.validation import invalid, shown

MOST_JOBS = 100
"""On one page, however many are asked for."""


def _aware(at: datetime) -> datetime:
    """A time without a zone is UTC."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is before the year 1 or after 9999 in UTC") from None


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError("this is no id")
    return text


def _no_number(value: Any) -> Any:
    """pydantic takes a number for seconds since 1970; the API promises RFC 3339 alone."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[\d_]*\.?\d*\s*", value, re.ASCII):
        raise ValueError(f"must be a time such as 2026-01-31T12:00:00Z (RFC 3339), not {shown(value)}")
    return value


At = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_aware)]


class ListQuery(BaseModel):
    """The query of `GET /v1/transcriptions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: JobStatus | None = Field(default=None, description="Only jobs of this status.")
    batch: Annotated[str, AfterValidator(_id)] | None = Field(default=None, description="Only jobs of this batch.")
    created_after: At | None = Field(default=None, description="Only jobs made at this time or later (RFC 3339).")
    created_before: At | None = Field(default=None, description="Only jobs made before this time (RFC 3339).")
    limit: int = Field(default=20, ge=1, description="Jobs on a page; more than 100 are taken for 100.")
    cursor: str | None = Field(default=None, description="`next_cursor` of the page before, with the same filters.")

    def as_query(self) -> str:
        """Return it as it is written in a URL."""
        return urlencode(self.model_dump(mode="json", exclude_defaults=True))

    @property
    def page_size(self) -> int:
        return min(self.limit, MOST_JOBS)


def parse_query(values: Mapping[str, Sequence[str]]) -> ListQuery:
    """Read the query. Raises InvalidRequest naming each parameter that is wrong, unknown or there twice."""
    if twice := [name for name, given in values.items() if len(given) > 1]:
        raise _wrong(twice[0], "send it once")
    try:
        return ListQuery.model_validate({name: given[0] for name, given in values.items()})
    except ValidationError as error:
        raise invalid(error, ListQuery) from None


class JobSummary(_Model):
    """What a list tells of a job: `GET /v1/transcriptions/{id}` tells the rest."""

    id: str
    status: JobStatus
    source: Literal["upload", "url", "s3", "drop"]
    name: str | None  # what a person calls the recording
    duration: float | None  # seconds
    created_at: datetime
    finished_at: datetime | None
    retry_of: str | None
    batch: str | None = None  # of the batch that it was asked for in

    @classmethod
    def of(cls, job: Job) -> JobSummary:
        told = job.model_dump(include=set(cls.model_fields) - {"name", "duration"})
        heard = job.transcript.duration if job.transcript else None
        duration = heard if heard is not None else job.media and job.media.duration
        return cls(**told, name=job.media and job.media.name, duration=duration)


class JobListView(_Model):
    """A page of jobs, the newest first."""

    data: tuple[JobSummary, ...]
    next_cursor: str | None  # null on the last page


@dataclass(frozen=True)
class Position:
    """Where a list goes on: in this month, with jobs older than this one."""

    month: str  # YYYY-MM
    older_than: str  # a job's id, or a bound above all of the month's


def month_of(at: datetime) -> str:
    return f"{at:%Y-%m}"


def month_before(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02}"


def bound(at: datetime) -> str:
    """Return the least id that a job made at a time can have."""
    return new_id(at, bytes(10))


NEWEST = "~"
"""Above every id."""


def write_cursor(position: Position, query: ListQuery, owner: str) -> str:
    text = json.dumps([position.month, position.older_than, _fingerprint(query, owner)], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(query: ListQuery, owner: str) -> Position | None:
    """Return where the query's cursor points. Raises InvalidRequest for one of another list, or of nobody's making."""
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        month, older_than, fingerprint = json.loads(urlsafe_b64decode(padded.encode("ascii")))
        found = re.fullmatch(r"\d{4}-(0[1-9]|1[0-2]) [0-9a-z~]{1,26}", f"{month} {older_than}", re.ASCII)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _wrong("cursor", "this is no cursor of Tiro's") from None
    if not found:
        raise _wrong("cursor", "this is no cursor of Tiro's")
    if fingerprint != _fingerprint(query, owner):
        raise _wrong("cursor", "it belongs to another list: send the filters that it came with")
    return Position(month, older_than)


def _fingerprint(query: ListQuery, owner: str) -> str:
    filters = query.model_dump_json(exclude={"cursor", "limit"})
    return hashlib.sha256(f"{owner}\0{filters}".encode()).hexdigest()[:16]


def _wrong(name: str, detail: str) -> InvalidRequest:
    return InvalidRequest(f"/{name}: {detail}", errors=(FieldProblem(pointer=f"/{name}", detail=detail),))
