"""What travels on the queue: which job, and which time it was queued. The rest is in the table."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tiro.errors import MalformedMessage


class JobMessage(BaseModel):
    """The queue's contract. A field is added with a default; a change of meaning is a new version."""

    model_config = ConfigDict(frozen=True)

    version: Literal["1"] = "1"
    job_id: str
    generation: int  # of the job when it was queued; an older message is a leftover

    @classmethod
    def parse(cls, body: str) -> JobMessage:
        """Raises MalformedMessage."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise MalformedMessage(f"The message is not a JobMessage: {error.error_count()} errors.") from None
