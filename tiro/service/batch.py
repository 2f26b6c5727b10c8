"""Many recordings asked for at once: each source becomes a job, or a problem, and none waits for another.

Every job's id follows from its batch's and from its source, so that a call which is repeated, after a crash or by its
`Idempotency-Key`, finds the jobs that it made and makes the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from tiro.batch import MOST_SOURCES, Batch, BatchItem, BatchMade, BatchRequest, BatchView, Page, not_ours, view_batch
from tiro.errors import BatchNotFound, Conflict, ServiceUnavailable, TiroError
from tiro.job import Job
from tiro.ports import BatchStore, Clock, MediaStore
from tiro.request import Source, TranscriptionRequest
from tiro.service.submit import check_allowed
from tiro.settings import ApiSettings
from tiro.upload import Upload

AT_ONCE = 16
"""Sources at once: a job is made in a few calls to AWS, and nearly all of the time is waiting for them."""

SECONDS = 22.0
"""After which no further source is begun: API Gateway waits for 29."""

Submit = Callable[[TranscriptionRequest, str, str], tuple[Job, Upload | None]]
"""Make a job of one source, in the batch of this id, under this id; or return the one that is there."""


def submit_batch(
    request: BatchRequest, *, owner: str, batch_id: str, batches: BatchStore, submit: Submit, clock: Clock
) -> BatchMade:
    """Make a job of every source that can be made one."""
    now, sources = clock.now(), request.sources or ()
    batch = _begin(Batch(id=batch_id, owner=owner, created_at=now, sources=len(sources)), batches=batches)
    named = [(str(index), source) for index, source in enumerate(sources)]
    return _make(request, batch, named, at=batch.created_at, submit=submit, clock=clock, until=_until(now))


def submit_prefix(
    request: BatchRequest,
    *,
    owner: str,
    batch_id: str,
    batches: BatchStore,
    media: MediaStore,
    submit: Submit,
    check: Callable[[int], None],
    clock: Clock,
    settings: ApiSettings,
) -> BatchMade:
    """Make a job of every recording under a prefix: of the first thousand, or of those where `cursor` goes on.

    `check` is told how many there are before any is made, and may raise. Raises SourceForbidden, MediaNotFound when the
    bucket may not be listed, InvalidRequest for a cursor of another prefix or owner.
    """
    now, prefix = clock.now(), request.prefix
    assert prefix  # noqa: S101  (BatchRequest holds exactly one)
    check_allowed(prefix, owner, settings)
    page = Page.parse(request.cursor) if request.cursor is not None else Page(batch_id, 1, None, now, 0)
    uri = f"s3://{prefix.bucket}/{prefix.key}"
    known = _go_on(page, uri, owner=owner, batches=batches) if page.number > 1 else None
    keys, more = media.keys(prefix, after=page.after, limit=MOST_SOURCES)
    recordings = [key for key in keys if not key.endswith("/")]  # the consoles' folders
    check(len(recordings))
    batch = Batch(
        id=page.batch,
        owner=owner,
        created_at=known.created_at if known else now,
        sources=page.seen + len(recordings),
        prefix=uri,
        pages=page.number,
        open=more,
    )
    if known:
        batches.extend(batch)
    else:
        batch = _begin(batch, batches=batches)
    named = [(key, Source.model_validate({"s3": f"s3://{prefix.bucket}/{key}"})) for key in recordings]
    at = page.at if known else batch.created_at
    made = _make(request, batch, named, at=at, submit=submit, clock=clock, until=_until(now))
    following = Page(batch.id, page.number + 1, keys[-1], clock.now(), batch.sources) if more else None
    return made.model_copy(update={"next_cursor": following.as_cursor() if following else None})


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=SECONDS)


def _begin(batch: Batch, *, batches: BatchStore) -> Batch:
    """Return the batch: as an earlier attempt of the same call began it, if there was one."""
    try:
        batches.create(batch)
    except Conflict:
        return batches.get(batch.id)
    return batch


def _go_on(page: Page, uri: str, *, owner: str, batches: BatchStore) -> Batch:
    try:
        known = batches.get(page.batch)
    except BatchNotFound:
        raise not_ours() from None
    if (known.owner, known.prefix) != (owner, uri):
        raise not_ours()
    return known


def _make(
    request: BatchRequest,
    batch: Batch,
    named: Sequence[tuple[str, Source]],
    *,
    at: datetime,
    submit: Submit,
    clock: Clock,
    until: datetime,
) -> BatchMade:
    """Make a job of each source. Its name is what makes its job's id its own."""
    common: dict[str, Any] = {"webhook": request.webhook, "metadata": request.metadata}
    common |= request.options.model_dump() | request.handling.model_dump()

    def make(index: int) -> BatchItem:
        name, source = named[index]
        item = BatchItem(index=index, source=f"s3://{source.s3.bucket}/{name}" if batch.prefix and source.s3 else None)
        try:
            if clock.now() >= until:
                raise ServiceUnavailable("There was no time left for this source. Send it again.")
            wanted = TranscriptionRequest(source=source, **common)
            job, upload = submit(wanted, batch.id, batch.job_id(name, at=at))
        except TiroError as error:
            return item.model_copy(update={"problem": error.problem()})
        return item.model_copy(update={"job_id": job.id, "upload": upload})

    with ThreadPoolExecutor(AT_ONCE) as pool:
        items = tuple(pool.map(make, range(len(named))))
    accepted = sum(item.job_id is not None for item in items)
    return BatchMade(
        id=batch.id, created_at=batch.created_at, accepted=accepted, refused=len(items) - accepted, results=items
    )


def with_uploads(
    made: BatchMade, uploads: Mapping[str, Upload | None], reopen: Callable[[str], Upload | None]
) -> BatchMade:
    """Say how each recording is to be sent, as `uploads` has it by the job's id, or else signed anew."""

    def fill(item: BatchItem) -> BatchItem:
        job_id = item.job_id
        if job_id is None or item.source is not None:
            return item
        return item.model_copy(update={"upload": uploads[job_id] if job_id in uploads else reopen(job_id)})

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return made.model_copy(update={"results": tuple(pool.map(fill, made.results))})


def find_batch(batch_id: str, *, owner: str, batches: BatchStore) -> BatchView:
    """Raises BatchNotFound, for another owner's batch too."""
    batch = batches.get(batch_id)
    if batch.owner != owner:
        raise BatchNotFound(f"You have no batch {batch_id!r}.")
    return view_batch(batch, batches.counts(batch_id))
