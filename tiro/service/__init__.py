"""The way of a recording: submit -> arrive -> claim -> transcribe -> complete, and how it may end otherwise.

Plain functions over ports; each file is a stretch of the way. The order of writes is the argument for each promise:

- the message is sent BEFORE the record says `queued`, so that a queued job always has a message; a message
  whose job never came to be is dropped by the worker after a few looks;
- the transcript is stored BEFORE the record points to it, under a key of the attempt's own, so that a pointer
  always leads somewhere and a late attempt overwrites nothing.
"""

from tiro.service.admit import admit
from tiro.service.arrive import ObjectCreated, arrived
from tiro.service.batch import find_batch, submit_batch, submit_prefix, with_uploads
from tiro.service.checkpoint import Notebook, clear, clear_if_over, partial
from tiro.service.deliver import Deliverer, announce, pass_on_due
from tiro.service.dictate import Dictation, dictate, wait_for
from tiro.service.dispatch import Dispatcher, Round
from tiro.service.drain import DRAIN_TIME, drain
from tiro.service.end import abandon_parts, bury, exhausted, expire, fail
from tiro.service.fetch import Fetcher, bury_fetch
from tiro.service.listing import list_jobs
from tiro.service.once import once, reopen
from tiro.service.quota import check_quota
from tiro.service.read import find, find_even_gone, gone, lend_large, lend_media, read_transcript
from tiro.service.reap import Reaped, Reaper, ReapTerms
from tiro.service.stop import cancel, delete, retry
from tiro.service.stray import Stray, report_stray, stray
from tiro.service.submit import submit
from tiro.service.tidy import Tidier
from tiro.service.turn import wait_for_turn
from tiro.service.upload import complete_upload, part_urls, upload_state
from tiro.service.webhooks import check_webhook, redeliver, register, rotate, try_out
from tiro.service.work import LOOKS_FOR_JOB, Claim, Crowded, Declined, LeaseTerms, claim, give_back, transcribe

__all__ = [
    "DRAIN_TIME",
    "LOOKS_FOR_JOB",
    "Claim",
    "Crowded",
    "Declined",
    "Deliverer",
    "Dictation",
    "Dispatcher",
    "Fetcher",
    "LeaseTerms",
    "Notebook",
    "ObjectCreated",
    "ReapTerms",
    "Reaped",
    "Reaper",
    "Round",
    "Stray",
    "Tidier",
    "abandon_parts",
    "admit",
    "announce",
    "arrived",
    "bury",
    "bury_fetch",
    "cancel",
    "check_quota",
    "check_webhook",
    "claim",
    "clear",
    "clear_if_over",
    "complete_upload",
    "delete",
    "dictate",
    "drain",
    "exhausted",
    "expire",
    "fail",
    "find",
    "find_batch",
    "find_even_gone",
    "give_back",
    "gone",
    "lend_large",
    "lend_media",
    "list_jobs",
    "once",
    "part_urls",
    "partial",
    "pass_on_due",
    "read_transcript",
    "redeliver",
    "register",
    "reopen",
    "report_stray",
    "retry",
    "rotate",
    "stray",
    "submit",
    "submit_batch",
    "submit_prefix",
    "transcribe",
    "try_out",
    "upload_state",
    "wait_for",
    "wait_for_turn",
    "with_uploads",
]
