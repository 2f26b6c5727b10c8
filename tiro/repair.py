"""What an operator does about jobs that failed: look at one, find those of a kind, have them tried again.

With AWS credentials and not through the API: whose jobs they are does not matter here. Needs the extra `admin`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiro.adapters.aws import client_for
from tiro.adapters.dynamodb import DynamoDBDeliveryStore, DynamoDBJobIndex, DynamoDBJobStore, DynamoDBRunStore
from tiro.adapters.s3 import S3MediaStore
from tiro.adapters.sqs import SQSFetchQueue, SQSJobQueue
from tiro.adapters.system import SystemClock
from tiro.environ import find_environ
from tiro.errors import PermanentError
from tiro.job import Job, JobStatus, Run, new_id
from tiro.listing import NEWEST
from tiro.ports import DeliveryStore, FetchQueue, JobIndex, JobQueue, JobStore, MediaStore, RunStore
from tiro.service import retry
from tiro.settings import ApiSettings, variable

NEEDED = ("table", "queue_url", "fetch_queue_url", "media_bucket")

PAGE = 100

OLDEST = "0"
"""Below every id."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What it takes to look into jobs and to have them tried again."""

    jobs: JobStore
    runs: RunStore
    index: JobIndex
    deliveries: DeliveryStore
    media: MediaStore
    queue: JobQueue
    fetches: FetchQueue
    clock: SystemClock
    settings: ApiSettings

    def look(self, job_id: str) -> tuple[Job, Run | None, Sequence[str]]:
        """Return a job, who holds it, and a line for each delivery of it. Raises JobNotFound."""
        told = [
            f"{one.event.type} to {one.endpoint or 'its own webhook'}: {one.state}, {one.tries} tries"
            for one in self.deliveries.of_job(job_id)
        ]
        return self.jobs.get(job_id), self.runs.get(job_id), told

    def failed(self, owner: str, month: str, code: str) -> Iterator[Job]:
        """Yield an owner's jobs of a month (YYYY-MM) that failed with this code, the newest first."""
        older_than: str | None = NEWEST
        while older_than:
            found = self.index.look(
                owner, month, older_than=older_than, not_older_than=OLDEST, status=JobStatus.FAILED, limit=PAGE
            )
            for summary in found.jobs:
                job = self.jobs.get(summary.id)
                if job.problem and job.problem.code == code:
                    yield job
            older_than = found.goes_on_after

    def retry(self, job: Job) -> Job | PermanentError:
        """Have it tried again as a new job; return that, or why it cannot be."""
        now = self.clock.now()
        try:
            return retry(
                job,
                jobs=self.jobs,
                media=self.media,
                queue=self.queue,
                fetches=self.fetches,
                clock=self.clock,
                settings=self.settings,
                job_id=new_id(now, secrets.token_bytes(10)),
            )
        except PermanentError as error:
            return error


def open_workshop(environ: Mapping[str, str], directory: Path) -> Workshop:
    """Return it for the stack that the shell's environment names, or the running sandbox's. Raises NotConfigured."""
    found = find_environ([variable(name) for name in NEEDED], environ=environ, directory=directory)
    names: dict[str, Any] = {name: found[variable(name)] for name in NEEDED}
    settings = ApiSettings(**names, delivery_queue_url="", transcript_bucket="")
    table, dynamodb = names["table"], client_for("dynamodb", found)
    return Workshop(
        jobs=DynamoDBJobStore(dynamodb, table),
        runs=DynamoDBRunStore(dynamodb, table),
        index=DynamoDBJobIndex(dynamodb, table),
        deliveries=DynamoDBDeliveryStore(dynamodb, table),
        media=S3MediaStore(client_for("s3", found), names["media_bucket"]),
        queue=SQSJobQueue(client_for("sqs", found), names["queue_url"], found.get(variable("batch_queue_url"), "")),
        fetches=SQSFetchQueue(client_for("sqs", found), names["fetch_queue_url"]),
        clock=SystemClock(),
        settings=settings,
    )
