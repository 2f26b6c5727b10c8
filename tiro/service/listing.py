"""An owner's jobs, newest first, a page at a time."""

from __future__ import annotations

from tiro.listing import (
    NEWEST,
    JobListView,
    JobSummary,
    ListQuery,
    Position,
    bound,
    month_before,
    month_of,
    read_cursor,
    write_cursor,
)
from tiro.ports import Clock, JobIndex, UsageStore

MOST_LOOKS = 24
"""At the index for one page: two years without a job, or a rare status among many. Then a cursor says: go on."""

TIME_CHARS = 10
"""Of an id, which say when it was made (ULID)."""

LOOKED_AT = 250
"""Jobs of any kind in one look for those of one: they are small, and some 60 kB together."""


def list_jobs(query: ListQuery, *, owner: str, index: JobIndex, usage: UsageStore, clock: Clock) -> JobListView:
    """Return a page, which may have fewer jobs than were asked for. Raises InvalidRequest for a wrong cursor."""
    first = usage.get(owner, at=clock.now()).since
    newest = min(query.created_before, clock.now()) if query.created_before else clock.now()
    before = bound(query.created_before) if query.created_before else NEWEST
    position = read_cursor(query, owner) or Position(month_of(newest), before)
    after = bound(query.created_after) if query.created_after else ""
    if query.batch:
        after = max(after, query.batch[:TIME_CHARS])  # its jobs came after it, and their ids begin with the time
    # A month more than there were jobs in: clocks differ, and which of two was first is not quite sure.
    oldest = max(month_before(first) if first else "", month_of(query.created_after) if query.created_after else "")
    found: list[JobSummary] = []
    for _ in range(MOST_LOOKS):
        if not first or position.month < oldest:
            return JobListView(data=tuple(found), next_cursor=None)
        stretch = index.look(
            owner,
            position.month,
            older_than=position.older_than,
            not_older_than=after or "0",
            status=query.status,
            limit=LOOKED_AT if query.status or query.batch else query.page_size + 1,
        )
        found += [job for job in stretch.jobs if query.batch in (None, job.batch)]
        if len(found) > query.page_size:
            found = found[: query.page_size]
            last = found[-1]
            position = Position(month_of(last.created_at), last.id)
            break
        if stretch.goes_on_after:
            position = Position(position.month, stretch.goes_on_after)
        else:
            position = Position(month_before(position.month), before)
    return JobListView(data=tuple(found), next_cursor=write_cursor(position, query, owner))
