"""What travels on the queues: which job, and which time it was queued. The rest is in the table."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ValidationError

from tiro.errors import MalformedMessage
from tiro.job import Job
from tiro.stored import StoredModel


class _Message(StoredModel):
    """A queue's contract. A field is added with a default; a change of meaning is a new version."""

    version: Literal["1"] = "1"
    job_id: str

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises MalformedMessage."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise MalformedMessage(f"The message is not a {cls.__name__}: {error.error_count()} errors.") from None


class JobMessage(_Message):
    """A job is to be transcribed."""

    generation: int  # of the job when it was queued; an older message is a leftover
    trace: str | None = None  # of the job: tiro/trace.py

    @classmethod
    def of(cls, job: Job) -> JobMessage:
        """Return the message of a job that is queued."""
        return cls(job_id=job.id, generation=job.generation, trace=job.trace_id)


class FetchMessage(_Message):
    """The recording of a job is to be fetched, or its fetching goes on."""

    round: int  # counts from 1; an older message is a leftover
    looks: int = 0  # how often the job was looked for and was not there yet


class DeliveryMessage(_Message):
    """Somebody is to be told of a job's change."""

    delivery_id: str
    revision: int  # of the delivery when it was sent; an older message is a leftover
