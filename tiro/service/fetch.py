"""A `url` is fetched: streamed into the media bucket, in rounds, and from there it is a recording like any other.

A round is what one invocation does: it reads part after part, never more than one in memory, and when its time is
over a message says that the next one goes on from there. What counts is stored after each part. Every message is
sent BEFORE the record that belongs to it, so that a crash in between leaves one message too many, and never none.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from tiro.address import Address, Reach
from tiro.errors import (
    AttemptsExhausted,
    Conflict,
    FetchFailed,
    JobNotFound,
    MediaEmpty,
    PeerUnavailable,
    PermanentError,
    TiroError,
)
from tiro.fetch import Fetch
from tiro.job import Job, JobStatus
from tiro.message import FetchMessage
from tiro.ports import Clock, FetchQueue, FetchStore, JobStore, MediaStore, PartStore, Stream, TranscriptStore, Web
from tiro.service.at_url import check_is_media
from tiro.service.end import FETCH_TOO_LONG, fail
from tiro.service.limits import check_size
from tiro.settings import FetchSettings

PART_BYTES = 8 << 20
"""Of one part, and all that is in memory at once. S3 takes 5 MiB to 5 GiB, and 10,000 of them."""

MAX_FAILURES = 5
"""In a row, with no part between."""

MAX_LASTING_FAILURES = 2
"""Of a kind that seldom heals within minutes: a name that does not exist, a certificate that nothing vouches for."""

MAX_RESTARTS = 2
"""A server that can only begin anew, or whose recording changes all the time, is not asked for ever."""

MAX_ROUNDS = 1000
"""A net: time is over long before."""

LOOKS = 5
LOOK_SECONDS = 5

CONFLICT_SECONDS = 30

LONGEST_DELAY = 900
"""Seconds SQS may hold a message back."""


def check_reachable(url: str, reach: Reach) -> None:
    """Raises AddressRefused for what the URL alone tells; where its name leads is seen when it is fetched."""
    reach.check(Address.parse(url))


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Takes one message at a time. Raises ServiceUnavailable; the message then comes back by itself."""

    jobs: JobStore
    fetches: FetchStore
    web: Web
    parts: PartStore
    media: MediaStore
    queue: FetchQueue
    transcripts: TranscriptStore
    clock: Clock
    settings: FetchSettings

    def take(self, message: FetchMessage) -> str:
        """Do one round; return in a few words what came of it."""
        try:
            job = self.jobs.get(message.job_id)
        except JobNotFound:
            return self._look_again(message)
        now = self.clock.now()
        fetch = self.fetches.get(job.id) or Fetch(job_id=job.id, begun_at=now)
        if job.status is not JobStatus.AWAITING_MEDIA or job.url is None:
            self._clear_away(job)
            return f"the job is {job.status}"
        if message.round < fetch.round:
            return "a leftover"
        if fetch.held_until and fetch.held_until > now:
            wait = (fetch.held_until - now).total_seconds()
            self.queue.send(message, owner=job.owner, delay_seconds=min(LONGEST_DELAY, int(wait) + 1))
            return "somebody is at it"
        lease = timedelta(seconds=1.5 * self.settings.fetch_round_seconds)
        taken = fetch.taken(round_=message.round, until=now + lease)
        try:
            self.fetches.save(fetch, taken)
            return self._round(job, taken)
        except Conflict:
            # Whoever was first has a message too. But if it was only the job that changed, nobody has.
            self.queue.send(message, owner=job.owner, delay_seconds=CONFLICT_SECONDS)
            return "somebody else was first"

    def _look_again(self, message: FetchMessage) -> str:
        """The message was sent before there was a job."""
        if message.looks < LOOKS:
            again = message.model_copy(update={"looks": message.looks + 1})
            self.queue.send(again, owner="nobody", delay_seconds=LOOK_SECONDS)
        return "there is no such job"

    def _round(self, job: Job, fetch: Fetch) -> str:
        try:
            if fetch.round > MAX_ROUNDS:
                raise FETCH_TOO_LONG
            if not fetch.whole and not self._stream(job, fetch):
                return self._go_on(job)
            return self._complete(job)
        except PeerUnavailable as error:
            return self._go_on(job, after=error)
        except Conflict:
            raise
        except PermanentError as error:
            return self._give_up(job, error)

    def _stream(self, job: Job, fetch: Fetch) -> bool:
        """Read until all is there or the time is over; return whether all is."""
        assert job.url  # noqa: S101  (take saw it)
        until = self.clock.now() + timedelta(seconds=self.settings.fetch_round_seconds)
        with self.web.open(job.url, offset=fetch.offset, tag=fetch.tag) as stream:
            if fetch.offset and stream.offset == 0:
                fetch = self._begin_anew(job, fetch)
            if fetch.offset == 0:
                self._check(job, stream.size)
                fetch = self._save(fetch, fetch.begun(tag=stream.tag))
                job = self._describe(job, stream)
            while not fetch.whole:
                if self.clock.now() >= until:
                    return False
                fetch = self._add_part(job, fetch, stream)
        return True

    def _add_part(self, job: Job, fetch: Fetch, stream: Stream) -> Fetch:
        body = stream.read(PART_BYTES)
        ended = len(body) < PART_BYTES
        if fetch.offset == 0 and body:
            check_is_media(body, stream)
        self._check(job, fetch.offset + len(body))
        content_type = job.media.content_type if job.media else None
        if ended and not fetch.etags:
            # A small one needs no parts: one request of S3's instead of three.
            self.media.keep(job.upload_key, body, content_type=content_type)
            return fetch.model_copy(update={"whole": True})
        upload_id = fetch.upload_id or self.parts.begin(job.upload_key, content_type=content_type)
        number = len(fetch.etags) + 1
        etag = self.parts.put(job.upload_key, upload_id, number, body) if body else None
        if etag is None:
            return self._save(fetch, fetch.ended())
        return self._save(fetch, fetch.grown(upload_id=upload_id, etag=etag, size=len(body), whole=ended))

    def _begin_anew(self, job: Job, fetch: Fetch) -> Fetch:
        if fetch.restarts >= MAX_RESTARTS:
            raise FetchFailed(
                "The server cannot go on where it stopped, and the whole takes longer than "
                f"{self.settings.fetch_round_seconds} s. Download it yourself, and upload it."
            )
        if fetch.upload_id:
            self.parts.abandon(job.upload_key, fetch.upload_id)
        return self._save(fetch, fetch.anew())

    def _check(self, job: Job, size: int | None) -> None:
        if size == 0:
            raise MediaEmpty("The server sends no bytes.")
        if job.media:
            check_size(job.media.model_copy(update={"size": size}), self.settings)

    def _describe(self, job: Job, stream: Stream) -> Job:
        described = job.described(name=stream.name, content_type=stream.content_type)
        if described.media != job.media:
            self.jobs.save(job, described)
        return described

    def _complete(self, job: Job) -> str:
        """From here on it is an object like any other: S3 will say that it was written."""
        fetch = self.fetches.get(job.id)
        if fetch and fetch.upload_id:
            self.parts.complete(job.upload_key, fetch.upload_id, fetch.etags)
        self.fetches.forget(job.id)
        return "fetched"

    def _go_on(self, job: Job, *, after: PeerUnavailable | None = None) -> str:
        """Leave the rest to the next round: at once, or after a while when this one failed."""
        fetch = self.fetches.get(job.id)
        if fetch is None:
            raise Conflict
        released = fetch.released(failed=after is not None, at=self.clock.now())
        if after and released.failures >= (MAX_LASTING_FAILURES if after.lasting else MAX_FAILURES):
            return self._give_up(job, after)
        delay = self._delay(released.failures, after) if after else 0
        message = FetchMessage(job_id=job.id, round=released.round)
        self.queue.send(message, owner=job.owner, delay_seconds=delay)
        self.fetches.save(fetch, released)
        return f"{after} Again in {delay} s." if after else f"goes on from {fetch.offset:,} bytes"

    def _delay(self, failures: int, after: PeerUnavailable) -> int:
        """Return 15 s to 15 min, spread so that what failed together does not come back together.

        It is no less than what the server asks for, up to these 15 min.
        """
        spread = 0.75 + 0.5 * self.clock.entropy()[-1] / 255
        asked = math.ceil(after.retry_after.total_seconds()) if after.retry_after else 0
        return min(LONGEST_DELAY, max(asked, int(15 * 4.0 ** (failures - 1) * spread)))

    def _give_up(self, job: Job, error: TiroError) -> str:
        job = self.jobs.get(job.id)  # it may have been described meanwhile
        if not job.status.terminal:
            fail(job, error, jobs=self.jobs, transcripts=self.transcripts, clock=self.clock)
        self._clear_away(job)
        return f"failed: {error}"

    def _clear_away(self, job: Job) -> None:
        """Throw away what came of it, unless it became the recording."""
        fetch = self.fetches.get(job.id)
        if fetch and fetch.upload_id:
            self.parts.abandon(job.upload_key, fetch.upload_id)
        if fetch:
            self.fetches.forget(job.id)

    def _save(self, before: Fetch, after: Fetch) -> Fetch:
        self.fetches.save(before, after)
        return after


def bury_fetch(message: FetchMessage, *, jobs: JobStore, transcripts: TranscriptStore, clock: Clock) -> Job | None:
    """Fail the job of a message that ended in the dead-letter queue, if it still waits for its recording."""
    with suppress(JobNotFound):
        job = jobs.get(message.job_id)
        if job.status is JobStatus.AWAITING_MEDIA:
            error = AttemptsExhausted("Fetching it was begun again and again, and never ended. Upload the recording.")
            return fail(job, error, jobs=jobs, transcripts=transcripts, clock=clock)
    return None
