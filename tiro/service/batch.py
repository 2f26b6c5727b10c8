"""Many recordings asked for at once: each source becomes a job, or a problem, and none waits for another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tiro.batch import Batch, BatchItem, BatchMade, BatchRequest, BatchView, view_batch
from tiro.errors import BatchNotFound, ServiceUnavailable, TiroError
from tiro.job import Job, new_id
from tiro.ports import BatchStore, Clock
from tiro.request import TranscriptionRequest
from tiro.upload import Upload

AT_ONCE = 16
"""Sources at once: a job is made in a few calls to AWS, and nearly all of the time is waiting for them."""

SECONDS = 22.0
"""After which no further source is begun: API Gateway waits for 29."""

Submit = Callable[[TranscriptionRequest, str], tuple[Job, Upload | None]]
"""Make a job of one source, in the batch of this id."""


def submit_batch(request: BatchRequest, *, owner: str, batches: BatchStore, submit: Submit, clock: Clock) -> BatchMade:
    """Make a job of every source that can be made one."""
    now = clock.now()
    batch = Batch(id=new_id(now, clock.entropy()), owner=owner, created_at=now, sources=len(request.sources))
    batches.create(batch)
    until = now + timedelta(seconds=SECONDS)

    def make(index: int) -> BatchItem:
        wanted = TranscriptionRequest(
            source=request.sources[index], webhook=request.webhook, **request.options.model_dump()
        )
        try:
            if clock.now() >= until:
                raise ServiceUnavailable("There was no time left for this source. Send it again.")
            job, upload = submit(wanted, batch.id)
        except TiroError as error:
            return BatchItem(index=index, problem=error.problem())
        return BatchItem(index=index, job_id=job.id, upload=upload)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        items = list(pool.map(make, range(len(request.sources))))
    accepted = sum(item.job_id is not None for item in items)
    return BatchMade(
        id=batch.id, created_at=now, accepted=accepted, refused=len(items) - accepted, results=tuple(items)
    )


def find_batch(batch_id: str, *, owner: str, batches: BatchStore) -> BatchView:
    """Raises BatchNotFound, for another owner's batch too."""
    batch = batches.get(batch_id)
    if batch.owner != owner:
        raise BatchNotFound(f"You have no batch {batch_id!r}.")
    return view_batch(batch, batches.counts(batch_id))
