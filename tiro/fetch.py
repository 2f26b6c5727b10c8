"""How far the fetching of a `url` is: what one round of it tells the next. Pure; every change is a new value."""

from __future__ import annotations

from datetime import datetime

from tiro.stored import StoredModel


class Fetch(StoredModel):
    """The recording of a job, on its way from somebody's server into the media bucket, part by part."""

    job_id: str
    begun_at: datetime
    revision: int = 0  # +1 with every stored change: the optimistic lock; 0: not stored yet
    round: int = 0  # of the message that is worked on; an older one is a leftover
    held_until: datetime | None = None  # somebody is at it
    sent_at: datetime | None = None  # of the message by which it goes on
    upload_id: str | None = None  # S3's, of the parts
    etags: tuple[str, ...] = ()  # of the parts, in order
    offset: int = 0  # bytes that are in the parts
    tag: str | None = None  # names what the server has: its ETag, or when it was last modified
    whole: bool = False  # all parts are there
    failures: int = 0  # in a row, with no part between
    restarts: int = 0  # how often it had to begin anew

    def taken(self, *, round_: int, until: datetime) -> Fetch:
        return self._with(round=round_, held_until=until)

    def begun(self, *, tag: str | None) -> Fetch:
        return self._with(tag=tag)

    def grown(self, *, upload_id: str, etag: str, size: int, whole: bool) -> Fetch:
        """One more part is there."""
        return self._with(
            upload_id=upload_id, etags=(*self.etags, etag), offset=self.offset + size, whole=whole, failures=0
        )

    def ended(self) -> Fetch:
        """There is nothing after the last part."""
        return self._with(whole=True)

    def anew(self) -> Fetch:
        return self._with(upload_id=None, etags=(), offset=0, tag=None, restarts=self.restarts + 1)

    def released(self, *, failed: bool, at: datetime) -> Fetch:
        """The next round goes on; what is left of this one's messages is a leftover."""
        return self._with(round=self.round + 1, held_until=None, sent_at=at, failures=self.failures + failed)

    def resent(self, *, at: datetime) -> Fetch:
        """The message is lost, and a new one is out for the same round."""
        return self._with(held_until=None, sent_at=at)

    @property
    def quiet_since(self) -> datetime:
        """From when on only a message brings it on."""
        return max(at for at in (self.begun_at, self.sent_at, self.held_until) if at)

    def _with(self, **changes: object) -> Fetch:
        return self.model_copy(update={"revision": self.revision + 1, **changes})
