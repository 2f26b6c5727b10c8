"""An object in the media bucket that no job can come of, because its key names no owner: it leaves a trace.

S3 has taken the object by then, so its sender has no answer. A problem is written beside where the transcript would be,
and only for keys of the inbox: beside another key may lie anything. It goes to the transcript bucket, which sends no
events, so no problem leads to another.
"""

from __future__ import annotations

import re
from enum import StrEnum

from tiro.errors import PROBLEM_MEDIA_TYPE, NoOwner
from tiro.job import Drop, is_id
from tiro.ports import TranscriptStore
from tiro.request import OWNER_PATTERN
from tiro.service.end import problem_key, too_long

INBOX, UPLOADS = "inbox", "uploads"


class Stray(StrEnum):
    """Why no job can come of an object: the values of the metric's dimension, so they are few."""

    WRONG_PREFIX = "wrong_prefix"  # neither inbox/ nor a job's upload
    NO_OWNER = "no_owner"  # inbox/talk.mp3, inbox//talk.mp3
    BAD_OWNER = "bad_owner"  # inbox/Some One/talk.mp3


def stray(key: str) -> Stray | None:
    """Return why no job can come of the object with this key; None where one may, and for a folder's marker."""
    door, _, path = key.partition("/")
    owner, _, rest = path.partition("/")
    if key.endswith("/"):
        return None
    if door == UPLOADS:
        return None if re.fullmatch(OWNER_PATTERN, owner) and is_id(rest) else Stray.WRONG_PREFIX
    if door != INBOX or "/" not in key:
        return Stray.WRONG_PREFIX
    if not owner or not rest:
        return Stray.NO_OWNER
    return None if re.fullmatch(OWNER_PATTERN, owner) else Stray.BAD_OWNER


def report_stray(drop: Drop, why: Stray, *, transcripts: TranscriptStore) -> str | None:
    """Write a problem beside where the transcript would be, where that is safe; return its key.

    Raises ServiceUnavailable.
    """
    if why is Stray.WRONG_PREFIX or too_long(drop) or not _is_plain(drop.key):
        return None
    body = NoOwner(_said(drop.key, why)).problem().model_dump_json(indent=2).encode()
    transcripts.publish(problem_key(drop), body, PROBLEM_MEDIA_TYPE, current=lambda: True)
    return problem_key(drop)


def _is_plain(key: str) -> bool:
    """Return whether a key is one that every client writes as it stands, and is no problem itself."""
    segments = key.split("/")
    return key.isprintable() and not key.endswith(".problem.json") and "." not in segments and ".." not in segments


def _said(key: str, why: Stray) -> str:
    where = (
        "Write it to inbox/{owner}/…, where {owner} is the name that your API key was made for, and delete this object."
    )
    if why is Stray.NO_OWNER:
        return f"The key {key!r} has no owner between inbox/ and the file's name. {where}"
    owner = key.split("/")[1]
    return (
        f"{owner!r} cannot be an owner: a name has 1 to 63 of a-z, 0-9 and -, and begins and ends with a letter or "
        f"digit. {where}"
    )
