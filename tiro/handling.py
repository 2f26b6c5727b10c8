"""What a caller may ask of a job besides how it is heard: whether it may wait, and how long things are kept."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

MINUTE, TEN_YEARS = 60, 10 * 365 * 86_400
"""Seconds."""


class Priority(StrEnum):
    INTERACTIVE = "interactive"
    BATCH = "batch"


class Handling(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    priority: Priority = Priority.INTERACTIVE  # batch: heard when nothing interactive waits
    # So long after its end the job is deleted, and its transcript, and the recording that came in by it; null: never.
    retention_seconds: int | None = Field(default=None, ge=MINUTE, le=TEN_YEARS)
    delete_media: bool = False  # the recording that came in by it goes within minutes of the transcript's coming

    @property
    def retention(self) -> timedelta | None:
        return None if self.retention_seconds is None else timedelta(seconds=self.retention_seconds)
