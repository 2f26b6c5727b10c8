"""What a caller prefers: `Prefer: wait=N` holds a call open until a job is at its end (RFC 7240, section 4.3)."""

from __future__ import annotations

import re
import time
from datetime import timedelta

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions import wiring
from functions.api.description import Parameter
from tiro import service
from tiro.errors import StillProcessing
from tiro.job import Job

LONGEST_WAIT = 20
"""Seconds. API Gateway gives a call up after 29, and what comes before and after the waiting takes some."""

PREFER = Parameter(
    name="Prefer",
    where="header",
    about="`wait=N`: answer as soon as the job is at its end, after N seconds at most; N is at most 20. Only so many "
    "calls wait at once: where there is no place left, the answer comes at once and without `Preference-Applied`.",
)


def wanted_wait(router: Router) -> int:
    """Return the seconds that the caller would wait; 0 for none. A preference that is not understood is none."""
    for preference in (router.current_event.headers.get("Prefer") or "").split(","):
        if match := re.fullmatch(r'\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?', preference, re.IGNORECASE | re.ASCII):
            return min(int(match[1]), LONGEST_WAIT)
    return 0


def wait_for_end(router: Router, job: Job) -> tuple[Job, dict[str, str]]:
    """Wait for a job as long as is preferred; return it as it then is, and what to say of that."""
    seconds, clock = wanted_wait(router), wiring.clock()
    if not seconds:
        return job, {}
    applied = {"Preference-Applied": f"wait={seconds}"}
    if job.status.terminal:
        return job, applied
    now = clock.now()
    until = now + timedelta(seconds=seconds)
    seat_until = until + timedelta(seconds=5)
    seat = wiring.waiting_room().enter(job.owner, now=now, until=seat_until)
    if seat is None:
        return job, {}
    try:
        return service.wait_for(job, jobs=wiring.jobs(), clock=clock, until=until, sleep=time.sleep), applied
    except StillProcessing:
        return wiring.jobs().get(job.id), applied
    finally:
        wiring.waiting_room().leave(seat, until=seat_until)
