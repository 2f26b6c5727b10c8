"""What ties together all that is said of one job, in logs, on queues, in events and at a receiver's: its trace.

It is an X-Ray trace id (AWS X-Ray developer guide, "Trace IDs"): the call's own where the gateway gave it one, so that
X-Ray shows call and job together, else one made of the job's id. Its digits are also those of a W3C trace id.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

_ROOT = re.compile(r"(?:^|;)\s*Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")


def root_of(header: str) -> str | None:
    """Return the trace id that an `X-Amzn-Trace-Id` header names, if it is one."""
    found = _ROOT.search(header)
    return found[1] if found else None


def trace_of(job_id: str, at: datetime) -> str:
    """Return the trace id of a job that no call's trace began: the same for the same job."""
    return f"1-{int(at.timestamp()):08x}-{_digest(job_id)[:24]}"


def traceparent(trace_id: str, span: str) -> str:
    """Return a W3C `traceparent` header (Trace Context, section 3.2). `span` is anything that names the step."""
    return f"00-{trace_id[2:].replace('-', '')}-{_digest(span)[:16]}-01"


def owner_hash(owner: str) -> str:
    """Return what a log calls an owner: enough to tell them apart, and not who they are."""
    return _digest(owner)[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
