"""A call with a key is done once, however often and however much at the same time it comes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tiro.call import LONGEST_CALL, Answer, Call
from tiro.errors import CallInProgress, Conflict, IdempotencyKeyReused, PermanentError, QuotaExceeded
from tiro.job import Job, JobStatus, new_id
from tiro.ports import CallStore, Clock, MediaStore, PartStore
from tiro.service.upload import in_parts
from tiro.settings import ApiSettings
from tiro.upload import MOST_URLS, Upload

TRIES = 5


def once(
    name: str,
    fingerprint: str,
    make: Callable[[str], Answer],
    find: Callable[[str], Answer | None],
    *,
    calls: CallStore,
    clock: Clock,
) -> tuple[Answer, bool]:
    """Return the answer of a call, and whether it was given before. `make` is told the id of what it makes.

    What refuses a call at its first attempt makes nothing, and then the key is as good as new. After any other failure
    the same call goes on with the same id, and `find` answers with what was made under it, if anything was: nothing
    that has changed since may refuse that. Raises IdempotencyKeyReused for another call by this name, CallInProgress
    while the first is at it.
    """
    held, resumed = _begin(name, fingerprint, calls=calls, clock=clock)
    if held.answer:
        return held.answer, True
    try:
        answer = (find(held.makes) if resumed else None) or make(held.makes)
    except Exception as error:
        refused = isinstance(error, (PermanentError, QuotaExceeded)) and not isinstance(error, Conflict)
        if refused and not resumed:
            calls.forget(name, held)
        else:
            calls.save(name, held, held.held(until=clock.now()))
        raise
    calls.save(name, held, held.answered(answer))
    return answer, False


def _begin(name: str, fingerprint: str, *, calls: CallStore, clock: Clock) -> tuple[Call, bool]:
    """Return the call, and whether an earlier attempt began it."""
    for _ in range(TRIES):
        known, now = calls.get(name), clock.now()
        resumed = known is not None and now < known.expires_at
        if known is None or not resumed:
            revision = known.revision + 1 if known else 1
            begun = Call(
                fingerprint=fingerprint,
                makes=new_id(now, clock.entropy()),
                begun_at=now,
                held_until=now + LONGEST_CALL,
                revision=revision,
            )
        elif known.fingerprint != fingerprint:
            raise IdempotencyKeyReused("You sent this key with another call. A new call needs a new key.")
        elif known.answer:
            return known, resumed
        elif known.held_until > now:
            raise CallInProgress("The first call with this key is being answered. Repeat yours in a moment.")
        else:
            begun = known.held(until=now + LONGEST_CALL)
        if calls.save(name, known, begun):
            return begun, resumed
    raise CallInProgress("Others with this key are being answered. Repeat yours in a moment.")


def reopen(job: Job, *, media: MediaStore, parts: PartStore, clock: Clock, settings: ApiSettings) -> Upload | None:
    """Return how to send the recording of a job that still awaits it, signed anew; None where none is awaited."""
    if job.status is not JobStatus.AWAITING_MEDIA or job.source != "upload" or job.media is None:
        return None
    if job.parts:
        return in_parts(job, parts=parts, first=0 if job.batch else MOST_URLS, settings=settings)
    left = (job.upload_expires_at - clock.now()) if job.upload_expires_at else timedelta()
    seconds = max(1, min(settings.upload_seconds, int(left.total_seconds())))
    return media.presign_upload(
        job.media.key, content_type=job.media.content_type, size=job.media.size, seconds=seconds
    )
