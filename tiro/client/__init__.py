"""The HTTP client: a recording goes up, its job is watched, its transcript comes down.

`Client` blocks, `AsyncClient` awaits; they have the same calls. What a call says and what it repeats is in calls.py,
uploads.py and flow.py; what a no becomes in failures.py; what is remembered of uploads that broke off in memory.py.
"""

from tiro.client.calls import OnProgress
from tiro.client.failures import JobFailed, RequestFailed, job_failure
from tiro.client.flow import ATTEMPTS, CHUNK_BYTES, OnUpload
from tiro.client.memory import Begun, Memory, state_directory
from tiro.client.transports import AsyncClient, Client
from tiro.client.uploads import Source, parse_source

__all__ = [
    "ATTEMPTS",
    "CHUNK_BYTES",
    "AsyncClient",
    "Begun",
    "Client",
    "JobFailed",
    "Memory",
    "OnProgress",
    "OnUpload",
    "RequestFailed",
    "Source",
    "job_failure",
    "parse_source",
    "state_directory",
]
