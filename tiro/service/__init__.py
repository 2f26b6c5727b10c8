"""The way of a recording: submit -> arrive -> claim -> transcribe -> complete, and how it may end otherwise.

Plain functions over ports; each file is a stretch of the way. The order of writes is the argument for each promise:

- the message is sent BEFORE the record says `queued`, so that a queued job always has a message; a message
  whose job never came to be is dropped by the worker after a few looks;
- the transcript is stored BEFORE the record points to it, under a key of the attempt's own, so that a pointer
  always leads somewhere and a late attempt overwrites nothing.
"""

from tiro.service.arrive import DROP_SECONDS, ObjectCreated, arrived
from tiro.service.end import bury, expire, fail
from tiro.service.limits import check_duration, check_size
from tiro.service.read import find, read_transcript
from tiro.service.submit import submit
from tiro.service.work import LOOKS_FOR_JOB, Claim, Declined, LeaseTerms, claim, give_back, transcribe

__all__ = [
    "DROP_SECONDS",
    "LOOKS_FOR_JOB",
    "Claim",
    "Declined",
    "LeaseTerms",
    "ObjectCreated",
    "arrived",
    "bury",
    "check_duration",
    "check_size",
    "claim",
    "expire",
    "fail",
    "find",
    "give_back",
    "read_transcript",
    "submit",
    "transcribe",
]
